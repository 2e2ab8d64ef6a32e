//! `rapport bench gateway`: the gateway beside its far side alone and beside other proxies.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::echo::{STREAM_MESSAGE_BYTES, STREAM_MESSAGES, STREAM_PATH, UNARY_PATH};
use super::load::{self, Measured, Quantiles, STREAMS, Until};
use super::peers::{self, Peer};
use super::process::{Usage, usage};
use super::report::{Ratio, Report, Row, median};
use super::stage::Stage;
use super::way::{Call, Expected};
use crate::cli::say;
use crate::error::Error;

/// The size of a question, in bytes: a look-up by id and a little more.
const MESSAGE_BYTES: usize = 64;
/// Tokens that were never seen before, for each round and target.
const FRESH_TOKENS: usize = 8_000;
/// How long a target is warmed up before the first round.
const WARM_UP: Duration = Duration::from_millis(500);

const DIRECT: &str = "no gateway";
const GATEWAY: &str = "rapport";

/// What a run is to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// For each measurement of a round.
    pub(crate) lasting: Duration,
    /// The rate of the open loop, in calls a second.
    pub(crate) rate: f64,
    /// Where the peers' configurations are.
    pub(crate) configs: PathBuf,
    pub(crate) haproxy: Option<PathBuf>,
    pub(crate) envoy: Option<PathBuf>,
    /// Other proxies before the same far side, by name.
    pub(crate) others: Vec<(String, SocketAddr)>,
    /// Settings of the measured gateway.
    pub(crate) settings: Vec<(String, String)>,
}

struct Target {
    name: String,
    address: SocketAddr,
    process: Option<u32>,
    /// Whether it checks tokens without remembering them, or remembers them as we do.
    checks_tokens: bool,
    rounds: Vec<Round>,
}

/// What one round measured of one target.
struct Round {
    saturated: Measured,
    cpu: Option<f64>,
    at_rate: Measured,
    fresh: Option<(Measured, Option<f64>)>,
    streams: Measured,
}

/// Runs the plan, prints the table, and gives the report as JSON.
pub(crate) async fn run(plan: Plan) -> Result<serde_json::Value, Error> {
    let stage = Stage::set(None, &plan.settings).await?;
    let mut running = Vec::new();
    if let Some(binary) = &plan.haproxy {
        running.push(peers::haproxy(binary, &plan.configs, &stage).await?);
    }
    if let Some(binary) = &plan.envoy {
        running.push(peers::envoy(binary, &plan.configs, &stage).await?);
    }
    let mut targets = targets(&plan, &stage, &running);
    for target in &targets {
        let calls = Arc::new(vec![unary(target, &stage)?]);
        load::closed(target.address, &calls, STREAMS, Until::Over(WARM_UP)).await?;
    }
    for turn in 1..=plan.rounds {
        for target in &mut targets {
            say(&format!("round {turn} of {}: {}", plan.rounds, target.name));
            let round = round(target, &stage, &plan, turn).await?;
            target.rounds.push(round);
        }
    }
    let report = report(&plan, &targets)?;
    report.print();
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}

fn targets(plan: &Plan, stage: &Stage, peers: &[Peer]) -> Vec<Target> {
    let target = |name: &str, address, process, checks_tokens| Target {
        name: name.to_owned(),
        address,
        process,
        checks_tokens,
        rounds: Vec::new(),
    };
    let gateway = &stage.gateway;
    let mut targets = vec![
        target(DIRECT, stage.echo.address, None, false),
        target(GATEWAY, gateway.address, Some(gateway.process.id()), true),
    ];
    for peer in peers {
        for listener in &peer.listeners {
            let checks = listener.name.contains("ES256");
            let process = Some(peer.process.id());
            targets.push(target(listener.name, listener.address, process, checks));
        }
    }
    for (name, address) in &plan.others {
        targets.push(target(name, *address, None, true));
    }
    targets
}

fn unary(target: &Target, stage: &Stage) -> Result<Call, Error> {
    Call::new(
        target.address,
        UNARY_PATH,
        Some(&stage.token),
        &[b'x'; MESSAGE_BYTES],
        Expected::Same,
    )
}

async fn round(target: &Target, stage: &Stage, plan: &Plan, turn: usize) -> Result<Round, Error> {
    let call = unary(target, stage)?;
    let calls = Arc::new(vec![call.clone()]);
    let (saturated, cpu) = accounted(target, &calls, STREAMS, Until::Over(plan.lasting)).await?;
    let at_rate = load::open(
        target.address,
        load::CONNECTIONS,
        &call,
        plan.rate,
        plan.lasting,
    )
    .await?;
    let fresh = match target.checks_tokens {
        true => {
            let calls = fresh_calls(target, stage, &call, turn)?;
            Some(accounted(target, &Arc::new(calls), STREAMS, Until::Once).await?)
        }
        false => None,
    };
    let bytes = STREAM_MESSAGES * (STREAM_MESSAGE_BYTES + 5);
    let watch = Call::new(
        target.address,
        STREAM_PATH,
        Some(&stage.token),
        &[],
        Expected::Bytes(bytes),
    )?;
    let until = Until::Over(plan.lasting);
    let streams = load::closed(target.address, &Arc::new(vec![watch]), 1, until).await?;
    Ok(Round {
        saturated,
        cpu,
        at_rate,
        fresh,
        streams,
    })
}

/// A closed loop, and the CPU seconds of the target for a million of its calls.
async fn accounted(
    target: &Target,
    calls: &Arc<Vec<Call>>,
    streams: usize,
    until: Until,
) -> Result<(Measured, Option<f64>), Error> {
    let before = target.process.map(usage).transpose()?;
    let measured = load::closed(target.address, calls, streams, until).await?;
    let after = target.process.map(usage).transpose()?;
    let cpu = before.zip(after).map(|(before, after)| {
        let spent = after.cpu.saturating_sub(before.cpu);
        spent.as_secs_f64() * 1e6 / count(measured.good).max(1.0)
    });
    Ok((measured, cpu))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
fn count(calls: u64) -> f64 {
    calls as f64
}

/// The same call by many who were never seen before.
fn fresh_calls(
    target: &Target,
    stage: &Stage,
    call: &Call,
    turn: usize,
) -> Result<Vec<Call>, Error> {
    (0..FRESH_TOKENS)
        .map(|number| {
            let subject = format!("{}-{turn}-{number}", target.address.port());
            call.presenting(&stage.issuer.token(Some(stage.tenant), &subject, "agent")?)
        })
        .collect()
}

fn report(plan: &Plan, targets: &[Target]) -> Result<Report, Error> {
    let rows = targets.iter().map(row).collect::<Result<_, _>>()?;
    Ok(Report {
        rounds: plan.rounds,
        open_loop_per_second: plan.rate,
        rows,
        ratios: ratios(targets),
    })
}

fn row(target: &Target) -> Result<Row, Error> {
    let rounds = &target.rounds;
    let over = |pick: &dyn Fn(&Round) -> Option<f64>| {
        let figures: Vec<f64> = rounds.iter().filter_map(pick).collect();
        (!figures.is_empty()).then(|| median(figures))
    };
    let quantiles = |pick: fn(&Round) -> &Measured| {
        let of = |figure: fn(Quantiles) -> f64| {
            median(rounds.iter().map(|round| figure(pick(round).quantiles())))
        };
        Quantiles {
            p50_ms: of(|q| q.p50_ms),
            p99_ms: of(|q| q.p99_ms),
            p999_ms: of(|q| q.p999_ms),
        }
    };
    let failed = |measured: &Measured| measured.failed + measured.refused + measured.unsent;
    let used: Option<Usage> = target.process.map(usage).transpose()?;
    Ok(Row {
        target: target.name.clone(),
        per_second: median(rounds.iter().map(|round| round.saturated.rate())),
        cpu_seconds_per_million: over(&|round| round.cpu),
        saturated: quantiles(|round| &round.saturated),
        at_rate: Some(quantiles(|round| &round.at_rate)),
        fresh_per_second: over(&|round| round.fresh.as_ref().map(|(fresh, _)| fresh.rate())),
        fresh_cpu_seconds_per_million: over(&|round| {
            round.fresh.as_ref().and_then(|(_, cpu)| *cpu)
        }),
        messages_per_second: over(&|round| {
            Some(round.streams.rate() * count(STREAM_MESSAGES as u64))
        }),
        resident_mib: used.map(|used| count(used.resident_kib) / 1024.0),
        failed: rounds
            .iter()
            .map(|round| {
                let fresh = round.fresh.as_ref().map_or(0, |(fresh, _)| failed(fresh));
                failed(&round.saturated) + failed(&round.at_rate) + failed(&round.streams) + fresh
            })
            .sum(),
    })
}

/// The targets of this comparison; a peer that did not run has none.
fn ratios(targets: &[Target]) -> Vec<Ratio> {
    let rounds = |name: &str| {
        let found = targets.iter().find(|target| target.name == name);
        found.map_or(&[][..], |target| target.rounds.as_slice())
    };
    let ours = rounds(GATEWAY);
    let against = |peer: &str, pick: &dyn Fn(&Round) -> Option<f64>| {
        let pairs = ours.iter().zip(rounds(peer));
        let ratios: Vec<f64> = pairs
            .filter_map(|(ours, peer)| Some(pick(ours)? / pick(peer)?))
            .collect();
        (!ratios.is_empty()).then(|| median(ratios))
    };
    let rate = |round: &Round| Some(round.saturated.rate());
    let cpu = |round: &Round| round.cpu;
    let fresh_cpu = |round: &Round| round.fresh.as_ref().and_then(|(_, cpu)| *cpu);
    let mut all = Vec::new();
    let mut note = |what: &str, ratio: Option<f64>, target| {
        if let Some(ratio) = ratio {
            let what = what.to_owned();
            all.push(Ratio {
                what,
                ratio,
                target,
            });
        }
    };
    note(
        "calls/s, rapport / no gateway",
        against(DIRECT, &rate),
        "shown",
    );
    note(
        "calls/s, rapport / haproxy with ES256",
        against("haproxy, ES256", &rate),
        "at least 1.7",
    );
    note(
        "calls/s, rapport / envoy with its token cache",
        against("envoy, ES256 cached", &rate),
        "at least 1.4",
    );
    note(
        "calls/s, rapport / haproxy without token check",
        against("haproxy, no token check", &rate),
        "at least 0.70, hoped 0.8",
    );
    note(
        "CPU a call, rapport / haproxy with ES256",
        against("haproxy, ES256", &cpu),
        "at most 0.5",
    );
    note(
        "CPU a call, rapport / envoy with its token cache",
        against("envoy, ES256 cached", &cpu),
        "at most 0.6",
    );
    note(
        "CPU a call with a new token, rapport / haproxy with ES256",
        against("haproxy, ES256", &fresh_cpu),
        "at most 1.05",
    );
    note(
        "added p99 at the fixed rate, rapport / envoy with its token cache",
        added(ours, rounds("envoy, ES256 cached"), rounds(DIRECT)),
        "at most 0.8",
    );
    all
}

/// What ours adds to the p99 of the far side, by what a peer adds.
fn added(ours: &[Round], peer: &[Round], direct: &[Round]) -> Option<f64> {
    let p99 = |round: &Round| round.at_rate.quantiles().p99_ms;
    let rounds = ours.iter().zip(peer).zip(direct);
    let ratios: Vec<f64> = rounds
        .map(|((ours, peer), direct)| (p99(ours) - p99(direct)) / (p99(peer) - p99(direct)))
        .collect();
    (!ratios.is_empty()).then(|| median(ratios))
}
