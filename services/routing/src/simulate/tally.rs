//! What is counted while a scenario runs, batch by batch.

use serde::Serialize;

use super::histogram::Histogram;
use super::scenario::Scenario;

/// Everything counted in one run with one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Which seed.
    pub seed: u64,
    /// By demand, then by batch of arrival.
    pub(super) served: Vec<Vec<Served>>,
    /// How long so many waited, in microseconds times customers: by queue, then by batch.
    pub(super) queued: Vec<Vec<u64>>,
    /// By agent, then by batch.
    pub(super) seats: Vec<Vec<Load>>,
    /// Customers that were counted and still waited when the run ended.
    pub still_waiting: u64,
    /// What has to be so to the microsecond, and how often it was not.
    pub exact: Exact,
}

/// What became of the customers of one demand who came in one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    /// Who came.
    pub(super) came: u64,
    /// Who was refused because the queue was full.
    pub(super) blocked: u64,
    /// Who was not offered to an agent at once.
    pub(super) delayed: u64,
    pub(super) answered: u64,
    /// Who was answered within the target of their queue.
    pub(super) in_time: u64,
    pub(super) abandoned: u64,
    /// Who left so soon that it is held against nobody.
    pub(super) short: u64,
    /// Waits of the answered, in microseconds.
    pub(super) answered_wait: u64,
    /// Waits of those who left, in microseconds.
    pub(super) abandoned_wait: u64,
    /// Who was handled to the end.
    pub(super) handled: u64,
    /// From acceptance to the end of wrap-up, in microseconds.
    pub(super) handled_time: u64,
    /// Waits of both.
    pub(super) waits: Histogram,
}

/// How an agent spent one batch, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Something was in their hands: offered, accepted or in wrap-up.
    pub(super) busy: u64,
    /// Available with nothing in their hands.
    pub(super) idle: u64,
}

/// What an engine has to get right every time, not in the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exact {
    /// Wraps-up that were not as long as their queue says.
    pub wrap_ups: u64,
    /// Waits and handle times that the engine told otherwise than they were.
    pub told: u64,
    /// Inputs refused that were possible.
    pub refused: u64,
    /// Offers made to somebody who was not there or had no capacity left for it.
    pub misplaced: u64,
}

impl Exact {
    /// Whether everything was right.
    #[must_use]
    pub fn holds(self) -> bool {
        self == Self::default()
    }
}

impl Tally {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        let batches = scenario.run.batches as usize;
        Self {
            seed,
            served: vec![vec![Served::default(); batches]; scenario.demands.len()],
            queued: vec![vec![0; batches]; scenario.queues.len()],
            seats: vec![vec![Load::default(); batches]; scenario.agents()],
            still_waiting: 0,
            exact: Exact::default(),
        }
    }

    /// How many customers were counted.
    #[must_use]
    pub fn customers(&self) -> u64 {
        self.served.iter().flatten().map(|served| served.came).sum()
    }
}

impl Served {
    /// Whose wait ended.
    pub(super) const fn settled(&self) -> u64 {
        self.answered + self.abandoned
    }

    pub(super) fn answer(&mut self, wait: u64, in_time: bool) {
        self.answered += 1;
        self.in_time += u64::from(in_time);
        self.answered_wait += wait;
        self.waits.add(wait);
    }

    pub(super) const fn handle(&mut self, time: u64) {
        self.handled += 1;
        self.handled_time += time;
    }

    pub(super) fn abandon(&mut self, wait: u64, short: bool) {
        self.abandoned += 1;
        self.short += u64::from(short);
        self.abandoned_wait += wait;
        self.waits.add(wait);
    }
}
