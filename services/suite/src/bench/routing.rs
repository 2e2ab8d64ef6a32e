//! `rapport bench routing`: what the engine decides in a second before a large crowd, and how soon an offer reaches an
//! agent through all that stands before and behind it.

mod durable;
mod engine;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::load::Quantiles;
use crate::cli::say;
use crate::error::Error;

/// What a run is to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Agents, waiting work, queues and skills before the engine.
    pub(crate) size: rapport_routing::simulate::crowd::Size,
    /// How many decisions are timed.
    pub(crate) decisions: u64,
    /// What goes through the gateway to PostgreSQL; none: nothing does.
    pub(crate) durable: Option<Durable>,
}

/// The way through the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Durable {
    /// Where the programs of PostgreSQL are; the newest installed when not given.
    pub(crate) postgres: Option<PathBuf>,
    /// Agents with an open stream.
    pub(crate) agents: usize,
    /// Tickets a second.
    pub(crate) rate: f64,
    /// For how long.
    pub(crate) lasting: Duration,
}

/// A figure and where it is to be.
#[derive(Debug, Serialize)]
struct Figure {
    what: &'static str,
    figure: f64,
    unit: &'static str,
    target: &'static str,
}

#[derive(Debug, Serialize)]
struct Times {
    what: &'static str,
    count: u64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    times: Vec<Times>,
    figures: Vec<Figure>,
}

/// Runs the plan, prints the table, and gives the report as JSON.
pub(crate) async fn run(plan: Plan) -> Result<serde_json::Value, Error> {
    let (size, decisions) = (plan.size, plan.decisions);
    let timed = tokio::task::spawn_blocking(move || engine::run(size, decisions)).await;
    let mut report = timed.map_err(|error| Error::Bench(error.to_string()))??;
    if let Some(plan) = &plan.durable {
        Box::pin(durable::run(plan, &mut report)).await?;
    }
    report.print();
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}

impl Report {
    fn note(&mut self, what: &'static str, figure: f64, unit: &'static str, target: &'static str) {
        self.figures.push(Figure {
            what,
            figure,
            unit,
            target,
        });
    }

    fn print(&self) {
        for times in &self.times {
            say(&format!(
                "{:<44} {:>9}   p50 {:>9.4} ms, p99 {:>9.4} ms, p99.9 {:>9.4} ms",
                times.what,
                times.count,
                times.quantiles.p50_ms,
                times.quantiles.p99_ms,
                times.quantiles.p999_ms
            ));
        }
        for figure in &self.figures {
            say(&format!(
                "{:<56} {:>12.3} {:<6} ({})",
                figure.what, figure.figure, figure.unit, figure.target
            ));
        }
    }
}
