//! `rapport bench`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Ended, key_value, say};
use rapport_routing::simulate::crowd::Size;

use crate::bench::{echo, gateway, idle, ingest, overload, routing, service, timeline};
use crate::error::Error;

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// The gateway beside its far side alone and beside other proxies: rate, latency, CPU, memory
    Gateway(Gateway),
    /// Three times what a service can do: what is still answered, and how soon the rest is refused
    Overload(Overload),
    /// Contacts logged a second, beside what PostgreSQL and SQLite do alone with the same rows
    Ingest(Ingest),
    /// Timelines and searches in a small log and in a large one
    Timeline(Timeline),
    /// What the routing engine decides in a second, and how soon an offer reaches an agent
    Routing(Routing),
    /// What an idle connection costs
    Idle(Idle),
    /// What a whole service's empty method costs beside a bare gRPC server
    Service(Service),
    /// The far side by itself: answers every call with what it was sent
    Echo(Echo),
}

/// What all runs can be told.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// A setting of the measured gateway; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Writes the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Gateway {
    /// How often targets take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The rate of the open loop, in calls a second
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
    /// Where the peers' configurations are
    #[arg(long, value_name = "DIR", default_value = "tests/peers")]
    configs: PathBuf,
    /// The binary of HAProxy, to be measured beside
    #[arg(long, value_name = "FILE")]
    haproxy: Option<PathBuf>,
    /// The binary of Envoy, to be measured beside
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// Another proxy before a far side of its own (`rapport bench echo`), as NAME=ADDRESS; may be repeated
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = named_address)]
    other: Vec<(String, SocketAddr)>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct Overload {
    /// Calls the service works on at a time
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// How long it works on each, in microseconds
    #[arg(long, default_value_t = 4000)]
    work_us: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct Ingest {
    /// How often targets take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the programs of PostgreSQL are [default: the newest under /usr/lib/postgresql]
    #[arg(long, value_name = "DIR")]
    postgres: Option<PathBuf>,
    /// `tests/peers/node` with its modules installed (`npm install`), to be measured beside
    #[arg(long, value_name = "DIR")]
    node: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct Timeline {
    /// Contacts of the small log
    #[arg(long, default_value_t = 100_000)]
    small: u64,
    /// Contacts of the large one
    #[arg(long, default_value_t = 3_000_000)]
    large: u64,
    /// The rate of the open loop, in calls a second
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// On PostgreSQL instead of SQLite
    #[arg(long)]
    on_postgres: bool,
    /// Where the programs of PostgreSQL are [default: the newest under /usr/lib/postgresql]
    #[arg(long, value_name = "DIR", requires = "on_postgres")]
    postgres: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct Routing {
    /// Agents before the engine
    #[arg(long, default_value_t = 15_000)]
    agents: usize,
    /// Work items that wait
    #[arg(long, default_value_t = 1_000_000)]
    waiting: usize,
    /// Queues, of which an agent serves 1 to 8
    #[arg(long, default_value_t = 500)]
    queues: usize,
    /// Skills, of which an agent holds 5 to 15 and work asks for 1 to 4
    #[arg(long, default_value_t = 200)]
    skills: usize,
    /// Which part of the work asks for less the longer it waits
    #[arg(long, default_value_t = 0.3)]
    relaxing: f64,
    /// How many decisions are timed
    #[arg(long, default_value_t = 500_000)]
    decisions: u64,
    /// Chance begins here
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The engine alone; nothing goes through a gateway
    #[arg(long)]
    engine_only: bool,
    /// Agents with an open stream, before the gateway
    #[arg(long, default_value_t = 1000)]
    streams: usize,
    /// The rate of the open loop before the gateway, in tickets a second
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Where the programs of PostgreSQL are [default: the newest under /usr/lib/postgresql]
    #[arg(long, value_name = "DIR")]
    postgres: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Routing {
    fn plan(&self) -> Result<routing::Plan, Error> {
        Ok(routing::Plan {
            size: Size {
                agents: self.agents.max(1),
                waiting: self.waiting.max(1),
                queues: self.queues.max(1),
                skills: self.skills.max(4),
                asked: (1, 4),
                relaxing: self.relaxing.clamp(0.0, 1.0),
                seed: self.seed,
            },
            decisions: self.decisions.max(1),
            durable: match self.engine_only {
                true => None,
                false => Some(routing::Durable {
                    postgres: self.postgres.clone(),
                    agents: self.streams.max(1),
                    rate: positive(self.rate)?,
                    lasting: seconds(self.common.seconds)?,
                }),
            },
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct Idle {
    /// How many connections
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// By TLS, with a certificate made for the run
    #[arg(long)]
    tls: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct Service {
    /// How often the two take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct Echo {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Calls worked on at a time; all when not given
    #[arg(long, requires = "work_us")]
    workers: Option<usize>,
    /// How long each takes, in microseconds
    #[arg(long, default_value_t = 0)]
    work_us: u64,
    /// Serves one method that answers nothing, as a bare gRPC server
    #[arg(long)]
    empty: bool,
    /// The same as a service of the suite, which believes these keys
    #[arg(long, value_name = "DIR", requires = "empty")]
    keys: Option<PathBuf>,
}

fn named_address(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = key_value(text)?;
    let address = address.parse().map_err(|_| "expected NAME=HOST:PORT")?;
    Ok((name, address))
}

impl Bench {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        match self {
            Bench::Gateway(command) => {
                let common = command.common;
                let plan = gateway::Plan {
                    rounds: command.rounds.max(1),
                    lasting: seconds(common.seconds)?,
                    rate: positive(command.rate)?,
                    configs: command.configs,
                    haproxy: command.haproxy,
                    envoy: command.envoy,
                    others: command.other,
                    settings: common.set,
                };
                keep(common.json, &Box::pin(gateway::run(plan)).await?)?;
            }
            Bench::Overload(command) => {
                let common = command.common;
                let plan = overload::Plan {
                    lasting: seconds(common.seconds)?,
                    workers: command.workers.max(1),
                    work_us: command.work_us,
                    settings: common.set,
                };
                keep(common.json, &Box::pin(overload::run(plan)).await?)?;
            }
            Bench::Ingest(command) => {
                let common = command.common;
                let plan = ingest::Plan {
                    rounds: command.rounds.max(1),
                    lasting: seconds(common.seconds)?,
                    postgres: command.postgres,
                    node: command.node,
                };
                keep(common.json, &Box::pin(ingest::run(plan)).await?)?;
            }
            Bench::Timeline(command) => {
                let common = command.common;
                let plan = timeline::Plan {
                    small: command.small.max(1),
                    large: command.large.max(command.small.max(1)),
                    rate: positive(command.rate)?,
                    lasting: seconds(common.seconds)?,
                    postgres: command.on_postgres.then_some(command.postgres),
                };
                keep(common.json, &Box::pin(timeline::run(plan)).await?)?;
            }
            Bench::Routing(command) => {
                let figures = Box::pin(routing::run(command.plan()?)).await?;
                keep(command.common.json, &figures)?;
            }
            Bench::Idle(command) => {
                let common = command.common;
                let figures = Box::pin(idle::run(
                    command.connections.max(1),
                    command.tls,
                    common.set,
                ))
                .await?;
                keep(common.json, &figures)?;
            }
            Bench::Service(command) => {
                let common = command.common;
                let lasting = seconds(common.seconds)?;
                let figures = Box::pin(service::run(command.rounds.max(1), lasting)).await?;
                keep(common.json, &figures)?;
            }
            Bench::Echo(command) if command.empty => {
                let told = |address| say(&format!("echo={address}"));
                Box::pin(service::serve_empty(command.keys.as_deref(), told)).await?;
            }
            Bench::Echo(command) => {
                let capacity = command.workers.map(|workers| echo::Capacity {
                    workers,
                    work: Duration::from_micros(command.work_us),
                });
                let told = |address| say(&format!("echo={address}"));
                echo::serve(command.listen, capacity, told).await?;
            }
        }
        Ok(Ended::Well)
    }
}

fn positive(figure: f64) -> Result<f64, Error> {
    match figure.is_finite() && figure > 0.0 {
        true => Ok(figure),
        false => Err(Error::Usage(format!("{figure} is not above zero"))),
    }
}

fn seconds(figure: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(positive(figure)?)
        .map_err(|_| Error::Usage(format!("{figure} s cannot be measured")))
}

fn keep(file: Option<PathBuf>, figures: &serde_json::Value) -> Result<(), Error> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(&file, format!("{figures:#}\n")).map_err(|source| Error::Io {
        what: file.display().to_string(),
        source,
    })
}
