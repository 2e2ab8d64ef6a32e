//! Does the engine behave as queueing theory says? Published figures, computed exactly, against long simulations.
//!
//! Simulation is noisy, so a verdict follows a rule that was written down before: seeds 1 to 5, 100 batches each. A
//! *cell* is one figure of one model and one seed. Its z-score is how many standard errors of its batch means it lies
//! off the exact figure: none beyond 5, at most 2 % of all beyond 3, the mean of a figure's seeds within ± 2, and its
//! interval of 95 % no wider than ± 6 % of the figure, so that agreement means something. What holds at every event
//! (the length of wrap-up, waits as told) is asked for exactly.
//!
//! A seed draws the same numbers for every model (customers are scaled, not drawn anew), so a seed that is far off in
//! one is off in its neighbours, too: the cells of a seed are not independent of each other.
//!
//! The published figures are rounded. z-scores are taken against the formulas of [`theory`](super::theory), and a test
//! holds these against the published figures to the last printed digit.

use serde::Serialize;

use super::estimate::Estimate;
use super::figures::{Measure, Scope};
use super::scenario::Scenario;
use super::tally::Tally;

mod house;
mod rows;

pub use rows::{rows, short_rows};

/// No cell lies further off, in standard errors.
pub const FURTHEST: f64 = 5.0;
/// Few do further than this.
pub const FAR: f64 = 3.0;
/// So few.
pub const FAR_SHARE: f64 = 0.02;
/// The mean over the seeds of a figure stays within.
pub const MEAN_WITHIN: f64 = 2.0;
/// Half the interval of a cell, in parts of the figure.
pub const HALF_WIDTH: f64 = 0.06;

/// One model with what is known of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name, also that of its scenario file.
    pub code: &'static str,
    /// The house.
    pub scenario: Scenario,
    /// What is known.
    pub known: Vec<Known>,
    /// Whether intervals have to be as narrow as the rule says: not in the short form, which is there to be quick.
    pub narrow: bool,
}

/// An exact figure.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What.
    pub measure: Measure,
    /// Of whom.
    pub scope: Scope,
    /// How it is called.
    pub name: &'static str,
    /// By the formula.
    pub exact: f64,
    /// As it is published, and in what unit.
    pub published: f64,
    /// Units of the measure in a unit of the published figure: 60 for minutes.
    pub unit: f64,
    /// Digits printed behind the point.
    pub places: i32,
}

/// How one figure of a model came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The model.
    pub model: &'static str,
    /// The figure.
    pub figure: &'static str,
    /// As it is published.
    pub published: f64,
    /// By the formula.
    pub exact: f64,
    /// Over all seeds; in the unit of the published figure.
    pub measured: f64,
    /// Half the interval over all seeds, in parts of the exact figure.
    pub half_width: f64,
    /// Half the widest interval of a seed, likewise.
    pub widest: f64,
    /// One for each seed.
    pub z_scores: Vec<f64>,
    /// Why it does not do; empty when it does.
    pub faults: Vec<String>,
}

/// How the whole suite came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Figure by figure.
    pub verdicts: Vec<Verdict>,
    /// What was wrong beyond single figures.
    pub faults: Vec<String>,
}

impl Judgement {
    /// Puts verdicts together and looks at all cells.
    #[must_use]
    pub fn new(verdicts: Vec<Verdict>, mut faults: Vec<String>) -> Self {
        let cells: Vec<f64> = verdicts.iter().flat_map(|v| v.z_scores.clone()).collect();
        let far = cells.iter().filter(|z| z.abs() > FAR).count();
        if far as f64 > FAR_SHARE * cells.len() as f64 {
            faults.push(format!(
                "{far} of {} cells are beyond {FAR} standard errors",
                cells.len()
            ));
        }
        Self { verdicts, faults }
    }

    /// Whether everything is as it has to be.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.faults.is_empty() && self.verdicts.iter().all(|v| v.faults.is_empty())
    }
}

impl Row {
    /// Holds the runs of this row's scenario against what is known: figure by figure, and what was not exact.
    #[must_use]
    pub fn judge(&self, runs: &[Tally]) -> (Vec<Verdict>, Vec<String>) {
        let verdicts = self.known.iter().map(|known| self.verdict(known, runs));
        let inexact = runs.iter().filter(|run| !run.exact.holds());
        let faults =
            inexact.map(|run| format!("{}, seed {}: {:?}", self.code, run.seed, run.exact));
        (verdicts.collect(), faults.collect())
    }

    fn verdict(&self, known: &Known, runs: &[Tally]) -> Verdict {
        let mut faults = Vec::new();
        let seeds: Vec<Option<Estimate>> = runs
            .chunks(1)
            .map(|run| known.measure.estimate(known.scope, &self.scenario, run))
            .collect();
        let z_scores: Vec<f64> = runs.chunks(1).map(|run| self.z_score(known, run)).collect();
        let relative = |estimate: &Option<Estimate>| {
            estimate.map_or(f64::INFINITY, |e| e.half_width / known.exact)
        };
        let widest = seeds.iter().map(relative).fold(0.0, f64::max);
        if let Some(z) = z_scores.iter().find(|z| !is_within(**z, FURTHEST)) {
            faults.push(format!("a cell is {z:.1} standard errors off"));
        }
        let mean = z_scores.iter().sum::<f64>() / z_scores.len().max(1) as f64;
        if !is_within(mean, MEAN_WITHIN) {
            faults.push(format!("the mean of its cells is {mean:.2}"));
        }
        if self.narrow && widest > HALF_WIDTH {
            faults.push(format!("its interval is ± {:.1} %", widest * 100.0));
        }
        let all = known.measure.estimate(known.scope, &self.scenario, runs);
        Verdict {
            model: self.code,
            figure: known.name,
            published: known.published,
            exact: known.exact / known.unit,
            measured: all.map_or(f64::NAN, |e| e.value / known.unit),
            half_width: relative(&all),
            widest,
            z_scores,
            faults,
        }
    }

    /// A percentile is judged by the share that lies below the exact one: shares have batch means, percentiles have not.
    fn z_score(&self, known: &Known, run: &[Tally]) -> f64 {
        let (measure, exact) = match known.measure {
            Measure::Percentile(share) => (Measure::Within(known.exact), share),
            measure => (measure, known.exact),
        };
        measure
            .estimate(known.scope, &self.scenario, run)
            .map_or(f64::NAN, |estimate| estimate.z_score(exact))
    }
}

/// What is no number is within nothing.
fn is_within(z: f64, most: f64) -> bool {
    (-most..=most).contains(&z)
}
