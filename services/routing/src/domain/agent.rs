use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{AgentId, QueueId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::named;
use super::{Channel, Code, PerChannel, Skills};

/// Someone who takes work, as the tenant set them up.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Which agent.
    pub id: AgentId,
    /// The subject of their token; unique in the tenant.
    pub principal: Personal,
    /// How colleagues call them.
    pub display_name: Personal,
    /// How connectors reach them; may be empty.
    pub address: Personal,
    /// What they can do.
    pub skills: Skills,
    /// Skills they hold until some time only.
    pub skills_until: BTreeMap<Code, Micros>,
    /// The queues they serve.
    pub queues: BTreeSet<QueueId>,
    /// How much they take at once.
    pub capacity: Capacity,
    /// How they stand: what the engine keeps of them.
    pub standing: Standing,
    /// When they were created.
    pub created_at: Micros,
    /// When they last changed by hand.
    pub updated_at: Micros,
    /// Counts changes by hand from 1.
    pub version: i64,
}

/// How much an agent takes at once, by channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// On a channel that is not named.
    pub usual: u16,
    /// On the channels that are.
    pub named: Vec<(Channel, u16)>,
    /// Since when it is so; work taken before may exceed it.
    pub since: Micros,
}

impl Capacity {
    /// The limit of every channel.
    #[must_use]
    pub fn by_channel(&self) -> PerChannel<u16> {
        let mut all = PerChannel::all(self.usual);
        for (channel, limit) in &self.named {
            *all.at(*channel) = *limit;
        }
        all
    }
}

named! {
    /// Whether an agent takes work.
    pub enum Status {
        /// Not at work.
        Offline = "offline",
        /// Takes work while a stream of theirs is open.
        Available = "available",
        /// At work, takes nothing new.
        Away = "away",
        /// Let offers lapse; takes nothing until they say so.
        NotResponding = "not_responding",
    }
}

named! {
    /// What an agent is at; of several things the last of these.
    pub enum AgentState {
        /// Nothing is in their hands.
        Idle = "idle",
        /// Work is offered to them.
        Offered = "offered",
        /// They write things up.
        WrapUp = "wrap_up",
        /// They handle work.
        Busy = "busy",
    }
}

/// Whether an agent can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// At least one stream of theirs is open.
    Present,
    /// Their last stream broke (or we were restarted); what they accepted is kept until then.
    Leaving {
        /// End of the grace.
        until: Micros,
    },
    /// Nobody there.
    Absent,
}

/// What the engine keeps of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether they take work.
    pub status: Status,
    /// Why; may be absent.
    pub reason: Option<Code>,
    /// Since when.
    pub status_since: Micros,
    /// Whether they can be reached.
    pub presence: Presence,
    /// Since when they wait for work; the longest goes first.
    pub idle_since: Micros,
    /// Offers in a row they let lapse.
    pub lapsed_offers: u32,
}

impl Standing {
    /// How everybody starts: offline, nobody there.
    #[must_use]
    pub const fn new(now: Micros) -> Self {
        Self {
            status: Status::Offline,
            reason: None,
            status_since: now,
            presence: Presence::Absent,
            idle_since: now,
            lapsed_offers: 0,
        }
    }
}
