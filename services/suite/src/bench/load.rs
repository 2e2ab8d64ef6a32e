//! Load: closed loop for what a target can do at most, open loop for how long it takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::way::{Call, Outcome, Way};
use crate::error::Error;

/// Connections a load comes over.
pub(super) const CONNECTIONS: usize = 4;
/// Streams on each of them in a closed loop.
pub(super) const STREAMS: usize = 16;
/// Most calls of an open loop that are on the way at a time; what would be more is counted as not sent. Memory
/// of the generator is bounded by it.
const MOST_ON_THE_WAY: usize = 20_000;

/// What came of a load.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) good: u64,
    pub(super) refused: u64,
    /// Refusals that said when to come again.
    pub(super) told_when: u64,
    pub(super) failed: u64,
    /// Calls the generator could not start in time.
    pub(super) unsent: u64,
    pub(super) seconds: f64,
    /// Of good calls, in microseconds.
    pub(super) latency: Histogram<u64>,
    /// Of refused calls, in microseconds.
    pub(super) refusal: Histogram<u64>,
}

/// Quantiles in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
}

impl Measured {
    fn none() -> Self {
        Measured {
            good: 0,
            refused: 0,
            told_when: 0,
            failed: 0,
            unsent: 0,
            seconds: 0.0,
            latency: histogram(),
            refusal: histogram(),
        }
    }

    fn note(&mut self, outcome: Outcome, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match outcome {
            Outcome::Good => {
                self.good += 1;
                self.latency.saturating_record(micros);
            }
            Outcome::Refused { told_when } => {
                self.refused += 1;
                self.told_when += u64::from(told_when);
                self.refusal.saturating_record(micros);
            }
            Outcome::Failed => self.failed += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Measured) {
        self.good += other.good;
        self.refused += other.refused;
        self.told_when += other.told_when;
        self.failed += other.failed;
        self.unsent += other.unsent;
        // Same bounds: nothing can be out of range.
        let _ = self.latency.add(&other.latency);
        let _ = self.refusal.add(&other.refusal);
    }

    /// Good calls a second.
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
    pub(super) fn rate(&self) -> f64 {
        self.good as f64 / self.seconds.max(f64::EPSILON)
    }

    pub(super) fn quantiles(&self) -> Quantiles {
        quantiles(&self.latency)
    }
}

/// Three digits from a microsecond to a minute.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3)
        .unwrap_or_else(|_| unreachable!("these bounds are accepted"))
}

/// Of microseconds.
pub(super) fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    quantiles_of(histogram, 1_000.0)
}

/// Of a unit of which so many are a millisecond.
#[expect(clippy::cast_precision_loss, reason = "times of a run are short")]
pub(super) fn quantiles_of(histogram: &Histogram<u64>, per_ms: f64) -> Quantiles {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / per_ms;
    Quantiles {
        p50_ms: at(0.50),
        p99_ms: at(0.99),
        p999_ms: at(0.999),
    }
}

/// Fresh connections to a target.
pub(super) async fn ways(target: SocketAddr, count: usize) -> Result<Vec<Way>, Error> {
    let mut ways = Vec::new();
    for _ in 0..count {
        ways.push(Way::open(target).await?);
    }
    Ok(ways)
}

/// When a closed loop is over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// After this time; calls are taken in turn and again.
    Over(Duration),
    /// When every call was made once.
    Once,
}

/// As many calls as the target answers, each stream one after the other.
pub(super) async fn closed(
    target: SocketAddr,
    calls: &Arc<Vec<Call>>,
    streams: usize,
    until: Until,
) -> Result<Measured, Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut loops = Vec::new();
    let begin = Instant::now();
    for way in ways(target, CONNECTIONS).await? {
        for _ in 0..streams {
            let (way, calls, next) = (way.clone(), Arc::clone(calls), Arc::clone(&next));
            loops.push(tokio::spawn(async move {
                let mut measured = Measured::none();
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let call = match until {
                        Until::Over(lasting) if begin.elapsed() < lasting => {
                            calls.get(turn % calls.len())
                        }
                        Until::Over(_) => None,
                        Until::Once => calls.get(turn),
                    };
                    let Some(call) = call else { break };
                    let sent = Instant::now();
                    let outcome = way.make(call).await;
                    measured.note(outcome, sent.elapsed());
                }
                measured
            }));
        }
    }
    let mut all = Measured::none();
    for one in loops {
        all.add(&one.await.map_err(|error| Error::Bench(error.to_string()))?);
    }
    all.seconds = begin.elapsed().as_secs_f64();
    Ok(all)
}

/// Calls at a fixed rate, whether the target keeps up or not. Latency counts from the moment a call was due.
pub(super) async fn open(
    target: SocketAddr,
    connections: usize,
    call: &Call,
    per_second: f64,
    lasting: Duration,
) -> Result<Measured, Error> {
    let ways = ways(target, connections).await?;
    let (done, mut outcomes) = mpsc::unbounded_channel();
    let sender = {
        let (call, handle) = (call.clone(), Handle::current());
        // A thread of its own: the runtime's timer rounds to a millisecond, the system's does not.
        tokio::task::spawn_blocking(move || {
            send_on_time(&handle, &ways, &Arc::new(call), per_second, lasting, &done)
        })
    };
    let mut all = Measured::none();
    while let Some((outcome, took)) = outcomes.recv().await {
        all.note(outcome, took);
    }
    let sent = sender
        .await
        .map_err(|error| Error::Bench(error.to_string()))?;
    all.unsent = sent.unsent;
    all.seconds = lasting.as_secs_f64();
    Ok(all)
}

struct Sent {
    unsent: u64,
}

fn send_on_time(
    runtime: &Handle,
    ways: &[Way],
    call: &Arc<Call>,
    per_second: f64,
    lasting: Duration,
    done: &mpsc::UnboundedSender<(Outcome, Duration)>,
) -> Sent {
    let begin = Instant::now();
    let on_the_way = Arc::new(AtomicUsize::new(0));
    let mut unsent = 0;
    for (turn, way) in (0_u32..).zip(ways.iter().cycle()) {
        let due = Duration::from_secs_f64(f64::from(turn) / per_second);
        if due >= lasting {
            break;
        }
        if let Some(early) = due.checked_sub(begin.elapsed()) {
            std::thread::sleep(early);
        }
        if on_the_way.load(Ordering::Relaxed) >= MOST_ON_THE_WAY {
            unsent += 1;
            continue;
        }
        on_the_way.fetch_add(1, Ordering::Relaxed);
        let (way, call, done) = (way.clone(), Arc::clone(call), done.clone());
        let on_the_way = Arc::clone(&on_the_way);
        runtime.spawn(async move {
            let outcome = way.make(&call).await;
            on_the_way.fetch_sub(1, Ordering::Relaxed);
            let _ = done.send((outcome, begin.elapsed().saturating_sub(due)));
        });
    }
    Sent { unsent }
}
