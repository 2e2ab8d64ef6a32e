use std::time::Duration;

use rapport_foundation::id::{CalendarId, QueueId};
use rapport_foundation::time::Micros;

use super::code::named;
use super::{Code, Discipline, Priority, Skills};

/// Code of the queue that takes work nobody named a queue for; made when first needed.
pub const DEFAULT_QUEUE: &str = "default";

named! {
    /// For whom new work of a queue is kept for a time, if they are at work.
    pub enum AgentPreference {
        /// Nobody.
        Nobody = "nobody",
        /// The owner of its ticket.
        Owner = "owner",
        /// The owner of its ticket; of one without, that of the customer's latest other ticket.
        LastAgent = "last_agent",
    }
}

/// Where work of one kind waits, and how it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Which queue.
    pub id: QueueId,
    /// What rules and connectors name it by; unique in the tenant.
    pub code: Code,
    /// How people call it.
    pub display_name: String,
    /// Priority of work that says none.
    pub default_priority: Priority,
    /// How long an offer stands.
    pub offer_timeout: Duration,
    /// How long wrap-up lasts by itself; zero means there is none.
    pub wrap_up: Duration,
    /// How long it lasts at most when its agent extends it; not longer than by itself: it cannot be.
    pub most_wrap_up: Duration,
    /// How many offers in a row an agent may let lapse before they count as not responding.
    pub max_lapsed_offers: u32,
    /// Skills its work requires besides its own.
    pub required_skills: Skills,
    /// How many may wait in it; none: as many as come.
    pub most_waiting: Option<u32>,
    /// Where work goes that finds it full.
    pub overflow: Option<QueueId>,
    /// Work that is answered within this is answered in time.
    pub answer_target: Duration,
    /// Who leaves within this left too soon to be counted against the service level; zero: nobody does.
    pub short_abandon: Duration,
    /// How its work finds its agents.
    pub discipline: Discipline,
    /// The connectors that hold the contacts of its work are told what to do with them.
    pub commanded: bool,
    /// For whom its new work is kept before it waits for everybody.
    pub preference: AgentPreference,
    /// For how long.
    pub preference_time: Duration,
    /// The calendar of its hours; none: it is always open.
    pub opening: Option<CalendarId>,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// Counts changes from 1.
    pub version: i64,
}

impl Queue {
    /// How many queues work may be sent along, the first included.
    pub const LONGEST_CHAIN: usize = 8;
    /// How long an offer stands where nobody says otherwise.
    pub const OFFER_TIMEOUT: Duration = Duration::from_secs(20);
    /// How long work is kept for who is preferred where nobody says otherwise.
    pub const PREFERENCE_TIME: Duration = Duration::from_secs(60);
    /// Within what time work is to be answered where nobody says otherwise.
    pub const ANSWER_TARGET: Duration = Duration::from_secs(20);

    /// A queue with the usual settings.
    #[must_use]
    pub fn usual(id: QueueId, code: Code, now: Micros) -> Self {
        Self {
            id,
            display_name: code.as_str().to_owned(),
            code,
            default_priority: Priority::Normal,
            offer_timeout: Self::OFFER_TIMEOUT,
            wrap_up: Duration::ZERO,
            most_wrap_up: Duration::ZERO,
            max_lapsed_offers: 1,
            required_skills: Skills::new(),
            most_waiting: None,
            overflow: None,
            answer_target: Self::ANSWER_TARGET,
            short_abandon: Duration::ZERO,
            discipline: Discipline::default(),
            commanded: false,
            preference: AgentPreference::Nobody,
            preference_time: Self::PREFERENCE_TIME,
            opening: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}
