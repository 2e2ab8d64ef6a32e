//! What is set up by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rapport_foundation::id::{CalendarId, QueueId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use crate::domain::sla::{CalendarChange, PolicyChange};
use crate::domain::{
    AgentKind, AgentPreference, ChannelCapacity, Code, Priority, Selection, Skills, WorkSelection,
};

/// A queue set up by hand.
#[derive(Debug)]
pub(crate) struct NewQueue {
    pub(crate) code: Code,
    pub(crate) settings: QueueChange,
}

/// A calendar set up by hand.
#[derive(Clone, Debug)]
pub(crate) struct NewCalendar {
    pub(crate) code: Code,
    pub(crate) settings: CalendarChange,
}

/// A policy set up by hand.
#[derive(Clone, Debug)]
pub(crate) struct NewPolicy {
    pub(crate) code: Code,
    pub(crate) settings: PolicyChange,
}

/// New settings of a queue; what is `None` stays, or is the usual.
#[derive(Debug, Default)]
pub(crate) struct QueueChange {
    pub(crate) display_name: Option<String>,
    pub(crate) default_priority: Option<Priority>,
    pub(crate) offer_timeout: Option<Duration>,
    pub(crate) wrap_up: Option<Duration>,
    pub(crate) most_wrap_up: Option<Duration>,
    pub(crate) max_lapsed_offers: Option<u32>,
    pub(crate) required_skills: Option<Skills>,
    pub(crate) most_waiting: Option<Option<u32>>,
    pub(crate) overflow: Option<Option<QueueId>>,
    pub(crate) answer_target: Option<Duration>,
    pub(crate) short_abandon: Option<Duration>,
    pub(crate) selection: Option<Selection>,
    pub(crate) most_occupancy_spread: Option<Option<u8>>,
    pub(crate) weight: Option<u16>,
    pub(crate) broadcast: Option<u8>,
    pub(crate) commanded: Option<bool>,
    pub(crate) preference: Option<AgentPreference>,
    pub(crate) preference_time: Option<Duration>,
    pub(crate) opening: Option<Option<CalendarId>>,
}

/// An agent set up by hand.
#[derive(Debug)]
pub(crate) struct NewAgent {
    pub(crate) principal: Personal,
    pub(crate) settings: AgentChange,
}

/// New settings of an agent; what is `None` stays, or is nothing.
#[derive(Debug, Default)]
pub(crate) struct AgentChange {
    pub(crate) display_name: Option<Personal>,
    pub(crate) address: Option<Personal>,
    pub(crate) skills: Option<Skills>,
    pub(crate) skills_until: Option<BTreeMap<Code, Micros>>,
    pub(crate) queues: Option<BTreeSet<QueueId>>,
    pub(crate) usual_capacity: Option<u16>,
    pub(crate) capacities: Option<Vec<ChannelCapacity>>,
    pub(crate) total_capacity: Option<Option<u16>>,
    pub(crate) work_selection: Option<WorkSelection>,
    pub(crate) kind: Option<AgentKind>,
    pub(crate) shifts: Option<Option<CalendarId>>,
}
