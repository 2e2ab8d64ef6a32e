use serde::Serialize;

use super::{Measure, Scope, exact, extremes};
use crate::simulate::estimate::Estimate;
use crate::simulate::scenario::Scenario;
use crate::simulate::tally::{Exact, Tally};

/// What is told of customers.
const OF_CUSTOMERS: [Measure; 12] = [
    Measure::Rate,
    Measure::Delayed,
    Measure::Wait,
    Measure::SpeedOfAnswer,
    Measure::Percentile(0.50),
    Measure::Percentile(0.90),
    Measure::Percentile(0.95),
    Measure::Percentile(0.99),
    Measure::ServiceLevel,
    Measure::Abandoned,
    Measure::Blocked,
    Measure::HandleTime,
];

/// Everything a scenario came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Which scenario.
    pub scenario: String,
    /// The seeds it was run with.
    pub seeds: Vec<u64>,
    /// Batches of each run.
    pub batches: u32,
    /// Length of a batch.
    pub batch_s: f64,
    /// What was left out at the begin of each run.
    pub warm_up_s: f64,
    /// How many customers were counted.
    pub customers: u64,
    /// Of these, who still waited when the run ended; their waits are in no figure.
    pub still_waiting: u64,
    /// What the engine has to get right every time, and how often it did not.
    pub exact: Exact,
    /// Everybody, then each queue, demand and team.
    pub sections: Vec<Section>,
}

/// The figures of one scope.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// `all`, `queue`, `demand` or `team`.
    pub kind: &'static str,
    /// Its code; empty for all.
    pub code: String,
    /// Its figures; what could not be measured is left out.
    pub figures: Vec<Figure>,
    /// Occupancy of the least and of the most occupied agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_and_most_occupied: Option<(f64, f64)>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What: see [`Measure::name`].
    pub measure: String,
    /// How much, and how surely.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// Two policies on the same customers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first.
    pub one: Report,
    /// The second.
    pub other: Report,
    /// How the second differs.
    pub differences: Vec<Difference>,
}

/// How one figure differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `all`, `queue`, `demand` or `team`.
    pub kind: &'static str,
    /// Its code; empty for all.
    pub code: String,
    /// What: see [`Measure::name`].
    pub measure: String,
    /// The second less the first, with the interval of paired batches.
    #[serde(flatten)]
    pub estimate: Estimate,
}

impl Section {
    /// One of its figures.
    #[must_use]
    pub fn figure(&self, measure: Measure) -> Option<Estimate> {
        let name = measure.name();
        let mut figures = self.figures.iter();
        figures
            .find(|figure| figure.measure == name)
            .map(|figure| figure.estimate)
    }
}

impl Report {
    /// What the runs of a scenario came to.
    #[must_use]
    pub fn new(scenario: &Scenario, runs: &[Tally]) -> Self {
        let section = |(kind, code, scope)| {
            let figure = |measure: Measure| {
                let estimate = measure.estimate(scope, scenario, runs)?;
                Some(Figure {
                    measure: measure.name(),
                    estimate,
                })
            };
            Section {
                kind,
                code,
                figures: measures(scope).into_iter().filter_map(figure).collect(),
                least_and_most_occupied: extremes(scope, scenario, runs),
            }
        };
        Self {
            scenario: scenario.name.clone(),
            seeds: runs.iter().map(|run| run.seed).collect(),
            batches: scenario.run.batches,
            batch_s: scenario.run.batch.as_secs_f64(),
            warm_up_s: scenario.run.warm_up.as_secs_f64(),
            customers: runs.iter().map(Tally::customers).sum(),
            still_waiting: runs.iter().map(|run| run.still_waiting).sum(),
            exact: exact(runs),
            sections: scopes(scenario).into_iter().map(section).collect(),
        }
    }
}

impl Comparison {
    /// What two scenarios with the same customers came to, run with the same seeds. Figures of what only one of
    /// them has are not compared, nor are percentiles.
    #[must_use]
    pub fn new(one: (&Scenario, &[Tally]), other: (&Scenario, &[Tally])) -> Self {
        let mut differences = Vec::new();
        let theirs = scopes(other.0);
        for (kind, code, scope) in scopes(one.0) {
            let twin = theirs.iter().find(|(k, c, _)| (*k, c) == (kind, &code));
            let Some((_, _, twin)) = twin else { continue };
            for measure in measures(scope) {
                let before = (scope, one.0, one.1);
                if let Some(estimate) = measure.difference(before, (*twin, other.0, other.1)) {
                    differences.push(Difference {
                        kind,
                        code: code.clone(),
                        measure: measure.name(),
                        estimate,
                    });
                }
            }
        }
        Self {
            one: Report::new(one.0, one.1),
            other: Report::new(other.0, other.1),
            differences,
        }
    }
}

fn measures(scope: Scope) -> Vec<Measure> {
    let mut measures = Vec::new();
    if !matches!(scope, Scope::Team(_)) {
        measures.extend(OF_CUSTOMERS);
    }
    if matches!(scope, Scope::All | Scope::Queue(_)) {
        measures.push(Measure::QueueLength);
    }
    if matches!(scope, Scope::All | Scope::Team(_)) {
        measures.extend([Measure::Occupancy, Measure::Spread]);
    }
    measures
}

fn scopes(scenario: &Scenario) -> Vec<(&'static str, String, Scope)> {
    let queues = scenario.queues.iter().map(|queue| &queue.code);
    let demands = scenario.demands.iter().map(|demand| &demand.code);
    let teams = scenario.teams.iter().map(|team| &team.code);
    let mut scopes = vec![("all", String::new(), Scope::All)];
    scopes.extend(
        queues
            .enumerate()
            .map(|(at, code)| ("queue", code.to_string(), Scope::Queue(at))),
    );
    scopes.extend(
        demands
            .enumerate()
            .map(|(at, code)| ("demand", code.to_string(), Scope::Demand(at))),
    );
    scopes.extend(
        teams
            .enumerate()
            .map(|(at, code)| ("team", code.to_string(), Scope::Team(at))),
    );
    scopes
}
