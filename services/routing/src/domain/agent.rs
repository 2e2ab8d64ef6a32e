use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{AgentId, CalendarId, QueueId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::named;
use super::{Capacity, Code, Load, Skills, WorkSelection};

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
    /// Which of their queues' work they get when they come free.
    pub work_selection: WorkSelection,
    /// Whether they are a person.
    pub kind: AgentKind,
    /// The calendar of their shifts; none: whenever they say so.
    pub shifts: Option<CalendarId>,
    /// How they stand: what the engine keeps of them.
    pub standing: Standing,
    /// When they were created.
    pub created_at: Micros,
    /// When they last changed by hand.
    pub updated_at: Micros,
    /// Counts changes by hand from 1.
    pub version: i64,
}

named! {
    /// Whether an agent is a person.
    pub enum AgentKind {
        /// A person.
        Person = "person",
        /// A bot: what it accepts is not answered yet, and it has no wrap-up.
        Virtual = "virtual",
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
    /// How much of their time work took of late.
    pub load: Load,
    /// Their shift; none for who has no schedule.
    pub shift: Option<Shift>,
}

/// Whether an agent is on shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// They are.
    pub on: bool,
    /// When that is looked at again.
    pub until: Micros,
    /// Outside of it they said that they take work.
    pub by_hand: bool,
}

named! {
    /// Whether an agent keeps to their shifts.
    pub enum Adherence {
        /// On shift and at work.
        OnShift = "on_shift",
        /// On shift, and not there or offline.
        Missing = "missing",
        /// Outside of their shift, and at work all the same.
        Overtime = "overtime",
        /// Outside of their shift.
        OffShift = "off_shift",
    }
}

impl Standing {
    /// Whether new work may be offered to them at all.
    #[must_use]
    pub fn takes_work(&self) -> bool {
        let available = self.status == Status::Available && self.presence == Presence::Present;
        available && self.is_scheduled()
    }

    /// On shift, or at work outside of it because they said so, or with no schedule.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.shift.is_none_or(|shift| shift.on || shift.by_hand)
    }

    /// Whether they keep to their shifts; none for who has no schedule.
    #[must_use]
    pub fn adherence(&self, state: AgentState) -> Option<Adherence> {
        let shift = self.shift?;
        let there = self.status != Status::Offline && self.presence == Presence::Present;
        let works = shift.by_hand || state != AgentState::Idle;
        Some(match (shift.on, there && (shift.on || works)) {
            (true, true) => Adherence::OnShift,
            (true, false) => Adherence::Missing,
            (false, true) => Adherence::Overtime,
            (false, false) => Adherence::OffShift,
        })
    }

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
            load: Load::new(now),
            shift: None,
        }
    }
}
