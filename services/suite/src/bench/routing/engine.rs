//! The engine alone, on one core.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rapport_foundation::time::Micros;
use rapport_routing::domain::engine::{Effect, Engine, Input};
use rapport_routing::simulate::crowd::{Crowd, Kind, Size};

use super::super::load::quantiles_of;
use super::super::process;
use super::{Report, Times};
use crate::cli::say;
use crate::error::Error;

/// One of so many decisions is checked by a matcher that looks at everything.
const CHECKED: u64 = 1000;
/// After so many the waiting work is made up to its number again.
const ROUND: u64 = 10_000;
const NANOS_PER_MS: f64 = 1e6;
/// Tickets that ask for four skills each, which the maker of another matcher says it matches in 6 s on 16 cores.
const HARD: Size = Size {
    agents: 15_000,
    waiting: 40_000,
    queues: 1,
    skills: 200,
    asked: (4, 4),
    relaxing: 0.0,
    seed: 1,
};

/// Times every step. What follows a decision (its rows being taken to be stored) belongs to it.
#[derive(Default)]
struct Stopwatch {
    spent: Duration,
    decisions: u64,
    by_kind: BTreeMap<&'static str, Histogram<u64>>,
}

impl Stopwatch {
    fn step(
        &mut self,
        engine: &mut Engine,
        now: Micros,
        input: Input,
        kind: Option<Kind>,
    ) -> Vec<Effect> {
        let begun = Instant::now();
        let effects = engine.step(now, input);
        let changes = engine.take_changes();
        let took = begun.elapsed();
        drop(changes);
        self.spent += took;
        if let Some(kind) = kind {
            self.decisions += 1;
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            for name in ["decisions", named(kind)] {
                let times = self.by_kind.entry(name).or_insert_with(histogram);
                times.saturating_record(nanos);
            }
        }
        effects
    }
}

const fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::Free => "  agents who come free",
        Kind::Arrival => "  arrivals",
        Kind::HangUp => "  customers who hang up",
        Kind::Expiry => "  offers that lapse",
    }
}

/// Three digits from a nanosecond to ten seconds.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3)
        .unwrap_or_else(|_| unreachable!("these bounds are accepted"))
}

#[expect(clippy::cast_precision_loss, reason = "figures of a run are small")]
pub(super) fn run(size: Size, decisions: u64) -> Result<Report, Error> {
    let mut report = Report::default();
    let hard = hard_case();
    say(&format!(
        "{} agents, {} work items in {} queues, {} skills",
        size.agents, size.waiting, size.queues, size.skills
    ));
    let before = resident_kib()?;
    let snapshot = Crowd::snapshot(size);
    let begun = Instant::now();
    let engine = Crowd::rebuild(snapshot);
    let rebuilt = begun.elapsed();
    let mut coming = Stopwatch::default();
    let mut crowd = Crowd::at_work(size, engine, &mut |e, now, input, kind| {
        coming.step(e, now, input, kind)
    });
    crowd.top_up();
    let resident = resident_kib()?.saturating_sub(before);
    let mut watch = Stopwatch::default();
    let mut checked = 0;
    while watch.decisions < decisions {
        let until = (watch.decisions + ROUND).min(decisions);
        while watch.decisions < until {
            let check = watch.decisions / CHECKED >= checked;
            checked += u64::from(check);
            let turn = crowd.turn(
                &mut |e, now, input, kind| watch.step(e, now, input, kind),
                check,
            );
            turn.map_err(|mistake| Error::Bench(mistake.to_string()))?;
        }
        crowd.top_up();
    }
    let rate = watch.decisions as f64 / watch.spent.as_secs_f64();
    for (what, times) in watch.by_kind {
        report.times.push(Times {
            what,
            count: times.len(),
            quantiles: quantiles_of(&times, NANOS_PER_MS),
        });
    }
    let p99 = report.times.iter().find(|times| times.what == "decisions");
    let p99 = p99.map_or(f64::NAN, |times| times.quantiles.p99_ms);
    report.note("decisions on one core", rate, "/s", "at least 100000");
    report.note("p99 of a decision", p99, "ms", "at most 1");
    report.note(
        "checked by looking at everything",
        checked as f64,
        "",
        "all agree",
    );
    report.note(
        "memory of engine and crowd",
        resident as f64 / 1024.0,
        "MiB",
        "at most 1024",
    );
    report.note(
        "rebuilt from its rows",
        rebuilt.as_secs_f64(),
        "s",
        "at most 10",
    );
    report.note(
        "40000 tickets with 4 skills each",
        hard.as_secs_f64(),
        "s",
        "well under 6",
    );
    Ok(report)
}

/// How long it takes to put hard tickets before everybody who comes to work, all of them at once.
fn hard_case() -> Duration {
    let mut watch = Stopwatch::default();
    let engine = Crowd::rebuild(Crowd::snapshot(HARD));
    drop(Crowd::at_work(HARD, engine, &mut |e, now, input, kind| {
        watch.step(e, now, input, kind)
    }));
    watch.spent
}

fn resident_kib() -> Result<u64, Error> {
    Ok(process::usage(std::process::id())?.resident_kib)
}
