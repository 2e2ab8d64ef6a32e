//! Figures as a table and as JSON.

use serde::Serialize;

use super::load::Quantiles;
use crate::cli::say;

/// The middle of some figures; of an even count the mean of the two in the middle.
pub(super) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle)) {
        (1, Some(figure)) => *figure,
        (0, Some(upper)) if middle > 0 => (sorted[middle - 1] + upper) / 2.0,
        _ => f64::NAN,
    }
}

/// What was measured of one target; medians over the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) target: String,
    /// Good calls a second in a closed loop.
    pub(super) per_second: f64,
    /// CPU seconds of the target's processes for a million calls in that loop.
    pub(super) cpu_seconds_per_million: Option<f64>,
    /// Of that loop.
    pub(super) saturated: Quantiles,
    /// At the fixed rate.
    pub(super) at_rate: Option<Quantiles>,
    /// Calls a second with a token that was never seen before, and their CPU.
    pub(super) fresh_per_second: Option<f64>,
    pub(super) fresh_cpu_seconds_per_million: Option<f64>,
    /// Messages a second of server streams.
    pub(super) messages_per_second: Option<f64>,
    pub(super) resident_mib: Option<f64>,
    /// Calls that were not answered as they had to be.
    pub(super) failed: u64,
}

/// A ratio and where it is to be.
#[derive(Debug, Serialize)]
pub(super) struct Ratio {
    pub(super) what: String,
    pub(super) ratio: f64,
    pub(super) target: &'static str,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) rounds: usize,
    pub(super) open_loop_per_second: f64,
    pub(super) rows: Vec<Row>,
    pub(super) ratios: Vec<Ratio>,
}

impl Report {
    pub(super) fn print(&self) {
        say(&format!(
            "{:<26} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>10} {:>7} {:>6}",
            "target",
            "calls/s",
            "CPU s/M",
            "p99 sat",
            "p50 ms",
            "p99 ms",
            "p99.9",
            "fresh/s",
            "fresh CPU",
            "messages/s",
            "MiB",
            "failed"
        ));
        for row in &self.rows {
            let rate = |pick: fn(&Quantiles) -> f64| number(row.at_rate.as_ref().map(pick), 2);
            say(&format!(
                "{:<26} {:>9.0} {:>8} {:>8.2} {:>8} {:>8} {:>8} {:>9} {:>9} {:>10} {:>7} {:>6}",
                row.target,
                row.per_second,
                number(row.cpu_seconds_per_million, 1),
                row.saturated.p99_ms,
                rate(|q| q.p50_ms),
                rate(|q| q.p99_ms),
                rate(|q| q.p999_ms),
                number(row.fresh_per_second, 0),
                number(row.fresh_cpu_seconds_per_million, 1),
                number(row.messages_per_second, 0),
                number(row.resident_mib, 1),
                row.failed,
            ));
        }
        for ratio in &self.ratios {
            say(&format!(
                "{:<64} {:>6.2}   ({})",
                ratio.what, ratio.ratio, ratio.target
            ));
        }
    }
}

fn number(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".into(), |figure| format!("{figure:.digits$}"))
}
