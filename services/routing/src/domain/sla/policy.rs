use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::id::{AgentId, CalendarId, QueueId, SlaPolicyId};
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::clock::{ClockKind, Pause};
use super::history::WaitingOn;
use crate::domain::{Channel, Code, Priority, Purpose};

/// What of a ticket decides which policy holds for it: as it was opened, or changed by hand. What an escalation
/// changes chooses no other policy, or raising a priority would begin the clock that raised it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// Its queue.
    pub queue: QueueId,
    /// Its priority.
    pub priority: Priority,
    /// Where the contact that opened it took place; none when that is not known.
    pub channel: Option<Channel>,
    /// What it is about, in kind.
    pub purpose: Option<Purpose>,
}

impl Traits {
    /// Takes over what is different in `new`, and leaves the rest as it was opened.
    pub fn change(&mut self, old: &Self, new: &Self) {
        if old.queue != new.queue {
            self.queue = new.queue;
        }
        if old.priority != new.priority {
            self.priority = new.priority;
        }
        if old.purpose != new.purpose {
            self.purpose = new.purpose;
        }
    }
}

/// Which tickets a policy holds for; what is empty holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Their queues.
    pub queues: BTreeSet<QueueId>,
    /// Their priorities.
    pub priorities: BTreeSet<Priority>,
    /// Where the contacts that opened them took place.
    pub channels: BTreeSet<Channel>,
    /// What they are about.
    pub purposes: BTreeSet<Purpose>,
}

impl Conditions {
    /// Whether a ticket is one of them.
    #[must_use]
    pub fn fit(&self, ticket: &Traits) -> bool {
        fn fits<T: Ord>(wanted: &BTreeSet<T>, given: Option<&T>) -> bool {
            wanted.is_empty() || given.is_some_and(|given| wanted.contains(given))
        }
        fits(&self.queues, Some(&ticket.queue))
            && fits(&self.priorities, Some(&ticket.priority))
            && fits(&self.channels, ticket.channel.as_ref())
            && fits(&self.purposes, ticket.purpose.as_ref())
    }
}

/// How long something may take, in open hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What.
    pub clock: ClockKind,
    /// How long.
    pub within: Duration,
    /// For whom a ticket may wait while this clock stands.
    pub pauses: BTreeSet<WaitingOn>,
}

impl Target {
    pub(super) fn pause(&self, waiting: Option<WaitingOn>) -> Option<Pause> {
        waiting
            .filter(|on| self.pauses.contains(on))
            .map(Pause::from)
    }
}

/// What an escalation does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Tells whoever reads the log.
    Notify,
    /// Raises the priority to this; a higher one stays.
    RaisePriority(Priority),
    /// Moves the ticket and its waiting work to another queue.
    Move(QueueId),
    /// Makes an agent the owner of the ticket.
    Assign(AgentId),
}

impl Action {
    /// The stable name, as written in events.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::RaisePriority(_) => "raise_priority",
            Self::Move(_) => "move",
            Self::Assign(_) => "assign",
        }
    }
}

/// Something to be done before a clock is due, then, or after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it is known by; unique in the policy. A step that keeps its code is the same step after an edit.
    pub code: Code,
    /// Of which clock.
    pub clock: ClockKind,
    /// How much more than the target the clock has counted by then, in seconds; negative ahead of it.
    pub offset_s: i64,
    /// What.
    pub action: Action,
}

impl Step {
    /// What the clock has counted by then.
    #[must_use]
    pub fn amount(&self, target: Duration) -> Duration {
        let by = Duration::from_secs(self.offset_s.unsigned_abs());
        if self.offset_s < 0 {
            target.saturating_sub(by)
        } else {
            target + by
        }
    }
}

/// What a policy promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Policies are tried in this order, those made first before others of the same rank; the first that fits holds.
    pub rank: i32,
    /// It holds for nothing.
    pub disabled: bool,
    /// When its clocks run.
    pub calendar: CalendarId,
    /// For which tickets.
    pub conditions: Conditions,
    /// One a kind of clock at most.
    pub targets: Vec<Target>,
    /// What is done when time runs out.
    pub steps: Vec<Step>,
}

/// A policy: what is promised for some tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which policy.
    pub id: SlaPolicyId,
    /// What it is known by; unique in the tenant.
    pub code: Code,
    /// How people call it.
    pub display_name: String,
    /// What it promises.
    pub promise: Promise,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// Counts changes from 1.
    pub version: i64,
}
