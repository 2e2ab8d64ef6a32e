//! What the connector that holds a contact is told to do with it, and how far that came. What was accepted may be done:
//! it is handed over again with the same id, and the connector knows what became of it.

mod book;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rapport_foundation::id::{AgentId, ContactCommandId, InteractionId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::code::named;

pub use book::{CommandBook, Heard, Pace, Taker};

/// Why a command was given up.
pub const EXPIRED: &str = "EXPIRED";

named! {
    /// What is to be done with a contact.
    pub enum CommandKind {
        /// Connect it with an agent.
        Connect = "connect",
        /// Put it on hold.
        Hold = "hold",
        /// Take it from hold.
        Resume = "resume",
        /// Part it from who has it, and give it to an agent, or let it wait.
        Transfer = "transfer",
        /// Bring it together with two agents.
        Conference = "conference",
        /// End it.
        HangUp = "hang_up",
        /// Call the customer back and connect them with an agent.
        CallBack = "call_back",
        /// Let somebody listen.
        Monitor = "monitor",
        /// Let somebody listen and be heard by the agent.
        Whisper = "whisper",
        /// Let somebody listen and be heard by both.
        Barge = "barge",
    }
}

named! {
    /// How far a command is.
    pub enum CommandState {
        /// It waits for the connector, or for those of its contact before it.
        Waiting = "waiting",
        /// It was handed over.
        Handed = "handed",
        /// The connector is about to do it.
        Accepted = "accepted",
        /// It is done.
        Done = "done",
        /// It cannot be done.
        Failed = "failed",
        /// It was given up.
        Expired = "expired",
        /// Nobody needs it any more.
        Cancelled = "cancelled",
    }
}

impl CommandKind {
    /// Whether who is on the line with a contact is another afterwards.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::CallBack | Self::Transfer | Self::HangUp
        )
    }

    /// Whether a contact stays with its agent, and is on hold or together with others otherwise than before.
    #[must_use]
    pub const fn alters(self) -> bool {
        matches!(self, Self::Hold | Self::Resume | Self::Conference)
    }

    /// Whether an agent who accepted work waits to be put through by it.
    #[must_use]
    pub const fn connects(self) -> bool {
        matches!(self, Self::Connect | Self::CallBack)
    }
}

impl CommandState {
    /// Whether something may still become of it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Handed | Self::Accepted)
    }
}

/// A command to the connector that holds a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCommand {
    /// Which command. Those of a contact are done in the order of their ids.
    pub id: ContactCommandId,
    /// The work that it follows from.
    pub item: WorkItemId,
    /// The contact.
    pub interaction: InteractionId,
    /// Who holds it.
    pub connector: Arc<str>,
    /// What is to be done.
    pub kind: CommandKind,
    /// Whom it is about.
    pub agent: Option<AgentId>,
    /// Where the contact waits from then on.
    pub queue: Option<QueueId>,
    /// Whose desk is told what became of it; of a transfer that of who had the contact.
    pub desk: Option<AgentId>,
    /// The work that goes on with the contact, when it is parted from who has it.
    pub next: Option<WorkItemId>,
    /// It is about an agent beside the one who has the contact.
    pub consult: bool,
    /// How far it is.
    pub state: CommandState,
    /// How often it was handed over. Names the last handing over.
    pub attempt: i32,
    /// An attempt was accepted and left without an outcome.
    pub may_be_done: bool,
    /// The stream that has it; nil when none has.
    pub stream: Uuid,
    /// When it was made.
    pub made_at: Micros,
    /// When it may be handed over.
    pub ready_at: Micros,
    /// When it is given up.
    pub expires_at: Micros,
    /// Until when its stream may take, by the database's clock.
    pub lease_until: Micros,
    /// When it was over.
    pub ended_at: Option<Micros>,
    /// Why it failed or was given up; may be empty.
    pub reason: String,
    /// Counts changes from 1.
    pub version: i64,
}

/// What a connector says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is about to do it, or still at it.
    Accepted,
    /// It is done.
    Done,
    /// It cannot be done.
    Failed {
        /// The connector's code.
        reason: String,
        /// What it is due to.
        fault: CommandFault,
    },
    /// It was not done and is given back.
    Released,
}

named! {
    /// What it is due to that a command cannot be done.
    pub enum CommandFault {
        /// None of the others.
        Other = "other",
        /// The agent cannot be reached.
        Agent = "agent",
        /// The contact is over.
        Contact = "contact",
    }
}
