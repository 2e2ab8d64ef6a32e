//! What is told of a run: figures by demand, queue and team, with their intervals.
//!
//! The definitions are those of the field where it has one. Service level: answered within the target / (answered +
//! abandoned − short abandons). Abandonment: abandoned / let in. Speed of answer: waits of the answered / answered.
//! Occupancy: busy / (busy + idle available), where offers and wrap-up are busy. Customers count in the batch in which
//! they came; lengths and occupancy are means over time.

use super::estimate::Estimate;
use super::histogram::Histogram;
use super::scenario::Scenario;
use super::tally::{Exact, Load, Served, Tally};

mod report;

pub use report::{Comparison, Difference, Figure, Report, Section};

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// Customers an hour.
    Rate,
    /// Share of those who came that was refused.
    Blocked,
    /// Share of those let in that was not offered to an agent at once.
    Delayed,
    /// Mean wait of those let in, answered or not, in seconds.
    Wait,
    /// Mean wait of the answered, in seconds.
    SpeedOfAnswer,
    /// Share that waited no longer than so many seconds.
    Within(f64),
    /// The wait, in seconds, that this share does not exceed.
    Percentile(f64),
    /// Share answered in time.
    ServiceLevel,
    /// Share of those let in that left.
    Abandoned,
    /// Mean time from acceptance to the end of wrap-up, in seconds.
    HandleTime,
    /// How many wait.
    QueueLength,
    /// Share of the time at work that is busy.
    Occupancy,
    /// How unequal the occupancy of agents is: the standard deviation over them.
    Spread,
}

/// Of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    All,
    /// One demand, by its place.
    Demand(usize),
    /// One queue, by its place.
    Queue(usize),
    /// One team, by its place.
    Team(usize),
}

impl Measure {
    /// Its name in what machines read; a unit that is not a share stands last.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Rate => "customers_per_hour".into(),
            Self::Blocked => "blocked".into(),
            Self::Delayed => "delayed".into(),
            Self::Wait => "wait_s".into(),
            Self::SpeedOfAnswer => "speed_of_answer_s".into(),
            Self::Within(seconds) => format!("within_{seconds}_s"),
            Self::Percentile(share) => format!("p{:.0}_wait_s", share * 100.0),
            Self::ServiceLevel => "service_level".into(),
            Self::Abandoned => "abandoned".into(),
            Self::HandleTime => "handle_time_s".into(),
            Self::QueueLength => "queue_length".into(),
            Self::Occupancy => "occupancy".into(),
            Self::Spread => "occupancy_spread".into(),
        }
    }

    /// The figure over all runs; None where nothing was there to be measured.
    #[must_use]
    pub fn estimate(self, scope: Scope, scenario: &Scenario, runs: &[Tally]) -> Option<Estimate> {
        match self {
            Self::Percentile(share) => percentile(share, scope, scenario, runs),
            Self::Spread => spread(&seats(scope, scenario, runs)),
            _ => Estimate::ratio(&self.batches(scope, scenario, runs)),
        }
    }

    /// By how much the figure of one house is more in another with the same batches. None for percentiles: they are no
    /// ratio of sums, and the jackknife does not hold for them.
    pub(super) fn difference(
        self,
        (scope, scenario, runs): (Scope, &Scenario, &[Tally]),
        (twin, other, others): (Scope, &Scenario, &[Tally]),
    ) -> Option<Estimate> {
        if self == Self::Spread {
            return spread_difference(&seats(scope, scenario, runs), &seats(twin, other, others));
        }
        Estimate::difference(
            &self.batches(scope, scenario, runs),
            &self.batches(twin, other, others),
        )
    }

    /// What is divided by what, batch by batch, seed after seed. Empty for figures that are no ratio.
    pub(super) fn batches(
        self,
        scope: Scope,
        scenario: &Scenario,
        runs: &[Tally],
    ) -> Vec<(f64, f64)> {
        let seconds = scenario.run.batch.as_secs_f64();
        match self {
            Self::Occupancy => {
                let ratio = |load: Load| (load.busy as f64, (load.busy + load.idle) as f64);
                let loads = seats(scope, scenario, runs);
                let of_batch = |batch: usize| {
                    let sum = loads.iter().fold(Load::default(), |sum, seat| Load {
                        busy: sum.busy + seat[batch].busy,
                        idle: sum.idle + seat[batch].idle,
                    });
                    ratio(sum)
                };
                let count = loads.first().map_or(0, Vec::len);
                (0..count).map(of_batch).collect()
            }
            Self::QueueLength => queued(scope, scenario, runs)
                .into_iter()
                .map(|micros| (micros as f64 / 1e6, seconds))
                .collect(),
            Self::Rate => {
                let came = served(scope, scenario, runs, |served| (served.came as f64, 0.0));
                came.into_iter()
                    .map(|(came, _)| (came, seconds / 3600.0))
                    .collect()
            }
            Self::Spread | Self::Percentile(_) => Vec::new(),
            _ => served(scope, scenario, runs, |served| self.ratio(served)),
        }
    }

    fn ratio(self, served: &Served) -> (f64, f64) {
        let settled = served.settled() as f64;
        let (x, n) = match self {
            Self::Blocked => (served.blocked, served.came),
            Self::Delayed => (served.delayed, served.came - served.blocked),
            Self::SpeedOfAnswer => {
                return (served.answered_wait as f64 / 1e6, served.answered as f64);
            }
            Self::HandleTime => {
                return (served.handled_time as f64 / 1e6, served.handled as f64);
            }
            Self::Wait => {
                let waits = served.answered_wait + served.abandoned_wait;
                return (waits as f64 / 1e6, settled);
            }
            Self::Within(seconds) => return (served.waits.within(seconds), settled),
            Self::ServiceLevel => (served.in_time, served.settled() - served.short),
            Self::Abandoned => (served.abandoned, served.settled()),
            _ => (0, 0),
        };
        (x as f64, n as f64)
    }
}

/// Sums a ratio over the demands of a scope, batch by batch.
fn served(
    scope: Scope,
    scenario: &Scenario,
    runs: &[Tally],
    ratio: impl Fn(&Served) -> (f64, f64),
) -> Vec<(f64, f64)> {
    let chosen = demands(scope, scenario);
    let mut batches = Vec::new();
    for run in runs {
        for batch in 0..scenario.run.batches as usize {
            let parts = chosen
                .iter()
                .map(|demand| ratio(&run.served[*demand][batch]));
            batches.push(parts.fold((0.0, 0.0), |(x, n), (dx, dn)| (x + dx, n + dn)));
        }
    }
    batches
}

fn queued(scope: Scope, scenario: &Scenario, runs: &[Tally]) -> Vec<u64> {
    let chosen: Vec<usize> = match scope {
        Scope::All => (0..scenario.queues.len()).collect(),
        Scope::Queue(queue) => vec![queue],
        Scope::Demand(_) | Scope::Team(_) => return Vec::new(),
    };
    let batches = scenario.run.batches as usize;
    let of_run = |run: &Tally| -> Vec<u64> {
        (0..batches)
            .map(|batch| chosen.iter().map(|queue| run.queued[*queue][batch]).sum())
            .collect()
    };
    runs.iter().flat_map(of_run).collect()
}

/// The loads of each agent of a scope, batch by batch, seed after seed.
fn seats(scope: Scope, scenario: &Scenario, runs: &[Tally]) -> Vec<Vec<Load>> {
    let teams = scenario.teams.iter().enumerate();
    let team_of: Vec<usize> = teams
        .flat_map(|(team, setting)| std::iter::repeat_n(team, setting.agents as usize))
        .collect();
    let belongs = |seat: &usize| match scope {
        Scope::All => true,
        Scope::Team(team) => team_of[*seat] == team,
        Scope::Demand(_) | Scope::Queue(_) => false,
    };
    let loads = |seat: usize| {
        runs.iter()
            .flat_map(move |run| run.seats[seat].clone())
            .collect()
    };
    (0..team_of.len()).filter(belongs).map(loads).collect()
}

fn demands(scope: Scope, scenario: &Scenario) -> Vec<usize> {
    let belongs = |demand: &usize| match scope {
        Scope::All => true,
        Scope::Demand(one) => *demand == one,
        Scope::Queue(queue) => scenario.demands[*demand].queue == queue,
        Scope::Team(_) => false,
    };
    (0..scenario.demands.len()).filter(belongs).collect()
}

/// A quantile of all waits; its interval by turning that of the share below it around (Woodruff, "Confidence
/// intervals for medians and other position measures", JASA 1952).
fn percentile(share: f64, scope: Scope, scenario: &Scenario, runs: &[Tally]) -> Option<Estimate> {
    let mut all = Histogram::default();
    for demand in demands(scope, scenario) {
        for served in runs.iter().flat_map(|run| &run.served[demand]) {
            all.merge(&served.waits);
        }
    }
    if all.count() == 0 {
        return None;
    }
    let value = all.quantile(share);
    let below = Estimate::ratio(&Measure::Within(value).batches(scope, scenario, runs))?;
    let ends = [share - below.half_width, share + below.half_width]
        .map(|share| all.quantile(share.clamp(0.0, 1.0)));
    let half_width = (ends[1] - ends[0]) / 2.0;
    let error = half_width * below.error / below.half_width.max(f64::MIN_POSITIVE);
    Some(Estimate {
        value,
        error,
        half_width,
    })
}

/// The standard deviation of occupancy over agents, with the jackknife over batches.
fn spread(seats: &[Vec<Load>]) -> Option<Estimate> {
    let batches = seats.first()?.len();
    let totals = totals(seats);
    Estimate::jackknife(batches, |without| spread_of(seats, &totals, without))
}

/// How much more unequal the agents of one house are than those of another, batch by batch together.
fn spread_difference(one: &[Vec<Load>], other: &[Vec<Load>]) -> Option<Estimate> {
    let batches = one.first()?.len();
    if other.first()?.len() != batches {
        return None;
    }
    let (ours, theirs) = (totals(one), totals(other));
    Estimate::jackknife(batches, |without| {
        spread_of(other, &theirs, without) - spread_of(one, &ours, without)
    })
}

fn spread_of(seats: &[Vec<Load>], totals: &[Load], without: Option<usize>) -> f64 {
    let shares = seats.iter().zip(totals).filter_map(|(seat, total)| {
        let left = without.map_or(Load::default(), |batch| seat[batch]);
        let busy = (total.busy - left.busy) as f64;
        let there = busy + (total.idle - left.idle) as f64;
        (there > 0.0).then(|| busy / there)
    });
    deviation(shares)
}

fn totals(seats: &[Vec<Load>]) -> Vec<Load> {
    seats.iter().map(|seat| total(seat)).collect()
}

fn deviation(shares: impl Iterator<Item = f64>) -> f64 {
    let (n, x, xx) = shares.fold((0.0, 0.0, 0.0), |(n, x, xx), share| {
        (n + 1.0, x + share, xx + share * share)
    });
    (xx / n - (x / n).powi(2)).max(0.0).sqrt()
}

fn total(batches: &[Load]) -> Load {
    batches.iter().fold(Load::default(), |sum, load| Load {
        busy: sum.busy + load.busy,
        idle: sum.idle + load.idle,
    })
}

/// The least and the most occupied agent of a scope.
fn extremes(scope: Scope, scenario: &Scenario, runs: &[Tally]) -> Option<(f64, f64)> {
    let seats = seats(scope, scenario, runs);
    let shares = seats.iter().map(|seat| total(seat)).filter_map(|load| {
        let there = load.busy + load.idle;
        (there > 0).then(|| load.busy as f64 / there as f64)
    });
    shares.fold(None, |ends: Option<(f64, f64)>, share| {
        let (low, high) = ends.unwrap_or((share, share));
        Some((low.min(share), high.max(share)))
    })
}

/// What was wrong in all runs together.
fn exact(runs: &[Tally]) -> Exact {
    runs.iter().fold(Exact::default(), |sum, run| Exact {
        wrap_ups: sum.wrap_ups + run.exact.wrap_ups,
        told: sum.told + run.exact.told,
        refused: sum.refused + run.exact.refused,
        misplaced: sum.misplaced + run.exact.misplaced,
    })
}
