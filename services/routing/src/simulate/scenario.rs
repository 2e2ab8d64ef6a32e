use std::time::Duration;

use crate::domain::engine::Settings;
use crate::domain::{Capacity, Channel, Code, Discipline, Priority, Skills, WorkSelection};

use super::arrivals::{Arrivals, DAY};
use super::law::Law;

/// What is counted of agents and queues, and of demands, at most.
const SEAT_BATCHES_MAX: usize = 20_000_000;
const DEMAND_BATCHES_MAX: usize = 200_000;

/// A contact centre and how long it is watched. What is in here has been checked: see [`super::ScenarioFile`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// How people call it.
    pub name: String,
    /// How long it is watched.
    pub run: Run,
    /// What holds for all its queues.
    pub settings: Settings,
    /// Where work waits.
    pub queues: Vec<Line>,
    /// Who comes.
    pub demands: Vec<Demand>,
    /// Who works.
    pub teams: Vec<Team>,
}

/// How long a scenario is watched, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// One run for each; the same seed is the same run on any machine.
    pub seeds: Vec<u64>,
    /// What comes first and is not counted: it begins with an empty house.
    pub warm_up: Duration,
    /// Length of one batch. Batches should be much longer than a busy period, for they are taken to be independent.
    pub batch: Duration,
    /// How many batches follow each other.
    pub batches: u32,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub code: Code,
    /// How long an offer stands.
    pub offer_timeout: Duration,
    /// How long wrap-up lasts.
    pub wrap_up: Duration,
    /// Offers in a row an agent may let lapse.
    pub max_lapsed_offers: u32,
    /// How many may wait; more are refused.
    pub most_waiting: Option<u32>,
    /// Who is answered within this was answered in time.
    pub target: Duration,
    /// Who leaves within this left too soon to be counted against the service level.
    pub short_abandon: Duration,
    /// How its work finds its agents.
    pub discipline: Discipline,
}

/// Customers of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Its name.
    pub code: Code,
    /// The queue they wait in, by its place.
    pub queue: usize,
    /// The channel they come by.
    pub channel: Channel,
    /// How urgent they are.
    pub priority: Priority,
    /// What their agent must be able to do.
    pub skills: Skills,
    /// When they come.
    pub arrivals: Arrivals,
    /// How long they wait; None is for ever.
    pub patience: Option<Law>,
    /// How long they are handled, wrap-up apart. What is replayed may say it row by row.
    pub handle: Law,
}

/// Agents who are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// Its name.
    pub code: Code,
    /// How many.
    pub agents: u32,
    /// The queues they serve, by their places.
    pub queues: Vec<usize>,
    /// What they can do.
    pub skills: Skills,
    /// How much they take at once.
    pub capacity: Capacity,
    /// Which of their queues' work they get when they come free.
    pub work_selection: WorkSelection,
    /// How long they handle somebody, as a multiple of what the demand says.
    pub handle_factor: f64,
    /// How long they take to answer an offer; None is no time at all.
    pub answer: Option<Law>,
    /// After how long who let offers lapse says that they are there again.
    pub back: Duration,
    /// When they are there, every day; empty is always.
    pub shifts: Vec<Shift>,
}

/// Part of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Begin, in microseconds since midnight.
    pub from: u64,
    /// End; an end that is not later than the begin is on the next day.
    pub to: u64,
}

impl Shift {
    /// Whether a time of the day is in it.
    pub(super) const fn holds(self, clock: u64) -> bool {
        if self.from < self.to {
            self.from <= clock && clock < self.to
        } else {
            self.from <= clock || clock < self.to
        }
    }

    /// When the time of the day `clock` comes next, strictly after `now`.
    pub(super) const fn next(clock: u64, now: u64) -> u64 {
        let today = now - now % DAY + clock;
        if today > now { today } else { today + DAY }
    }
}

impl Scenario {
    /// Whether the customers of two scenarios are the same in all that is theirs: when they come, how long they wait
    /// and how long they are handled. Where they are sent is policy.
    #[must_use]
    pub fn same_customers(&self, other: &Self) -> bool {
        let theirs = |demand: &Demand| {
            let Demand {
                code,
                arrivals,
                patience,
                handle,
                ..
            } = demand;
            (
                code.clone(),
                arrivals.clone(),
                patience.clone(),
                handle.clone(),
            )
        };
        self.demands.len() == other.demands.len()
            && self.demands.iter().all(|demand| {
                other
                    .demands
                    .iter()
                    .any(|twin| theirs(twin) == theirs(demand))
            })
    }

    /// Why what is counted would not fit into memory: it is kept by batch and seed, a few bytes for an agent and a few
    /// thousand for a demand.
    #[must_use]
    pub fn too_large(&self) -> Vec<String> {
        let counted = self.run.batches as usize * self.run.seeds.len();
        let parts = [
            ("agents", self.agents(), SEAT_BATCHES_MAX),
            ("demands", self.demands.len(), DEMAND_BATCHES_MAX),
            ("queues", self.queues.len(), SEAT_BATCHES_MAX),
        ];
        let over = |(what, count, most): (&str, usize, usize)| {
            let cells = count.saturating_mul(counted);
            (cells > most)
                .then(|| format!("{what} × batches × seeds: {cells} are more than {most}"))
        };
        parts.into_iter().filter_map(over).collect()
    }

    /// How many agents there are.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.teams.iter().map(|team| team.agents as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_over_midnight_is_held_on_both_sides_of_it() {
        let night = Shift {
            from: 22 * 3_600_000_000,
            to: 6 * 3_600_000_000,
        };
        let hours = [23, 0, 5].map(|h| h * 3_600_000_000);
        assert!(hours.iter().all(|clock| night.holds(*clock)));
        assert!(!night.holds(night.to) && night.holds(night.from) && !night.holds(DAY / 2));
        assert_eq!(Shift::next(night.to, night.to), DAY + night.to);
        assert_eq!(Shift::next(night.to, DAY), DAY + night.to);
        assert_eq!(Shift::next(night.from, DAY), DAY + night.from);
    }
}
