//! `rapport bench overload`: three times what a service can do, through the gateway.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::echo::UNARY_PATH;
use super::load::{self, Quantiles, STREAMS, Until};
use super::stage::Stage;
use super::way::{Call, Expected};
use crate::cli::say;
use crate::error::Error;

/// How many times the peak is asked for.
const TIMES: f64 = 3.0;
/// The part of the peak that counts as a normal hour.
const NORMAL: f64 = 0.5;
/// Connections. Many, as the callers of a flood are: with few of them a call waits at its caller for a free stream, which
/// no refusal can shorten.
const CALLERS: usize = 64;
/// How long things may take to be normal again.
const RECOVERY: Duration = Duration::from_secs(2);

/// What a run is to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) lasting: Duration,
    /// What the service can do: calls at a time, and how long each takes.
    pub(crate) workers: usize,
    pub(crate) work_us: u64,
    pub(crate) settings: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Report {
    peak_per_second: f64,
    offered_per_second: f64,
    goodput_per_second: f64,
    goodput_by_peak: f64,
    refused: u64,
    refused_with_retry_info: u64,
    refusal: Quantiles,
    failed: u64,
    unsent: u64,
    before: Quantiles,
    after: Quantiles,
    refused_after: u64,
}

/// Runs the plan, prints its figures, and gives them as JSON.
pub(crate) async fn run(plan: Plan) -> Result<serde_json::Value, Error> {
    let stage = Stage::set(Some((plan.workers, plan.work_us)), &plan.settings).await?;
    let address = stage.gateway.address;
    let call = Call::new(
        address,
        UNARY_PATH,
        Some(&stage.token),
        &[b'x'; 64],
        Expected::Same,
    )?;
    let calls = Arc::new(vec![call.clone()]);
    let peak = load::closed(address, &calls, STREAMS, Until::Over(plan.lasting)).await?;
    let normal = peak.rate() * NORMAL;
    let before = load::open(address, CALLERS, &call, normal, plan.lasting).await?;
    let flood = load::open(address, CALLERS, &call, peak.rate() * TIMES, plan.lasting).await?;
    load::open(address, CALLERS, &call, normal, RECOVERY).await?;
    let after = load::open(address, CALLERS, &call, normal, plan.lasting).await?;
    let report = Report {
        peak_per_second: peak.rate(),
        offered_per_second: peak.rate() * TIMES,
        goodput_per_second: flood.rate(),
        goodput_by_peak: flood.rate() / peak.rate(),
        refused: flood.refused,
        refused_with_retry_info: flood.told_when,
        refusal: load::quantiles(&flood.refusal),
        failed: peak.failed + before.failed + flood.failed + after.failed,
        unsent: flood.unsent,
        before: before.quantiles(),
        after: after.quantiles(),
        refused_after: after.refused,
    };
    report.print();
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}

impl Report {
    fn print(&self) {
        say(&format!(
            "peak                    {:>9.0} calls/s",
            self.peak_per_second
        ));
        say(&format!(
            "offered                 {:>9.0} calls/s",
            self.offered_per_second
        ));
        say(&format!(
            "goodput                 {:>9.0} calls/s, {:.2} of the peak (at least 0.9)",
            self.goodput_per_second, self.goodput_by_peak
        ));
        say(&format!(
            "refused                 {:>9} calls, {} told when to come again, p50 {:.2} ms, p99 {:.2} ms (within 5 ms)",
            self.refused, self.refused_with_retry_info, self.refusal.p50_ms, self.refusal.p99_ms
        ));
        say(&format!(
            "failed, not sent        {:>9} calls, {}",
            self.failed, self.unsent
        ));
        say(&format!(
            "p99 at half of the peak {:>9.2} ms before, {:.2} ms from {} s after it, {} refused then",
            self.before.p99_ms,
            self.after.p99_ms,
            RECOVERY.as_secs(),
            self.refused_after
        ));
    }
}
