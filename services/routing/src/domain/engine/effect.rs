use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};

use super::refusal::Refusal;
use crate::domain::contact_command::CommandKind;
use crate::domain::{Code, Offer, OfferEnd, Status};

/// What the engine decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Work is in its queue: new, or taken back from an agent who did not return.
    Queued {
        /// The work.
        item: WorkItemId,
    },
    /// Work was put before an agent.
    Offered(Offer),
    /// An offer ended without being taken.
    OfferEnded {
        /// The offer.
        offer: Offer,
        /// Why.
        reason: OfferEnd,
    },
    /// An agent took the work.
    Accepted {
        /// The offer.
        offer: Offer,
        /// How long the work had waited.
        wait: Duration,
    },
    /// Accepted work was taken back from an agent who did not return within the grace, or by hand.
    Released {
        /// The work.
        item: WorkItemId,
        /// Who had it.
        agent: AgentId,
    },
    /// The customer left before an agent took the work.
    Abandoned {
        /// The work.
        item: WorkItemId,
        /// How long they had waited.
        wait: Duration,
    },
    /// Work needs nobody any more.
    Withdrawn {
        /// The work.
        item: WorkItemId,
    },
    /// An agent handed a contact on: their work ends, other work goes on with it.
    HandedOn {
        /// The work.
        item: WorkItemId,
        /// Who had it.
        agent: AgentId,
        /// What goes on with the contact.
        next: WorkItemId,
    },
    /// Something of work in somebody's hands is different that no other effect tells: it is on hold, or another is asked.
    WorkChanged {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
    },
    /// The connector that holds the contact is to do something with it.
    Commanded {
        /// The work.
        item: WorkItemId,
        /// What.
        kind: CommandKind,
        /// Whom it is about.
        agent: Option<AgentId>,
        /// Where the contact waits from then on.
        queue: Option<QueueId>,
        /// Whose desk is told what became of it.
        desk: Option<AgentId>,
        /// What goes on with the contact, when it is parted from who has it.
        next: Option<WorkItemId>,
        /// It is about who is asked beside the one who has the contact.
        consult: bool,
    },
    /// Handling ended, wrap-up began.
    WrapUpStarted {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
    },
    /// The work is done.
    Completed {
        /// The work.
        item: WorkItemId,
        /// Who did it.
        agent: AgentId,
        /// From acceptance to the end of wrap-up, but for the time it was parked.
        handle: Duration,
        /// Wrap-up alone.
        wrap_up: Duration,
        /// Code of the outcome.
        disposition: Option<Code>,
    },
    /// An agent's status is another.
    StatusChanged {
        /// Who.
        agent: AgentId,
        /// The new status.
        status: Status,
        /// Why.
        reason: Option<Code>,
    },
    /// The input is not possible now; nothing changed by it.
    Refused(Refusal),
}
