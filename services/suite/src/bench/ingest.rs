//! `rapport bench ingest`: how many contacts are logged a second, beside what the databases do alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rapport_foundation::role::Role;
use serde::Serialize;

use super::contact::{self, Contacts};
use super::flow::{self, Flowed, flow};
use super::house::{House, Log};
use super::load::{self, Measured, Quantiles, STREAMS, Until};
use super::peers;
use super::postgres::Cluster;
use super::report::{Ratio, median};
use super::sqlite::Raw;
use super::way::{Call, Expected};
use crate::cli::say;
use crate::error::Error;

/// Of the service on Node.
const NODE_PATH: &str = "/peer.Ingest/Record";
const PATH: &str = "/rapport.interactions.v1.InteractionService/RecordInteraction";
/// The statement of the raw limit: a row and its event in one transaction.
const ONE: &str = include_str!("ingest/one.sql");
const SCHEMA: &str = include_str!("ingest/schema.sql");
/// A hundred rows in each of the tables that a contact is written to, in one transaction.
const HUNDRED: &str = include_str!("ingest/hundred.sql");
/// How long each target is warmed up: keys are made, customers become known.
const WARM_UP: Duration = Duration::from_secs(2);

/// What a run is to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// For each measurement of a round.
    pub(crate) lasting: Duration,
    /// Where PostgreSQL's programs are; the newest installed when not given.
    pub(crate) postgres: Option<PathBuf>,
    /// A service on Node that writes the same rows, to be measured beside; with its modules installed.
    pub(crate) node: Option<PathBuf>,
}

/// What was measured, by its name; a figure a round.
#[derive(Debug, Default, Serialize)]
struct Figures {
    name: &'static str,
    per_second: Vec<f64>,
    failed: u64,
}

impl Figures {
    fn of(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn measured(&mut self, measured: &Measured) -> u64 {
        self.per_second.push(measured.rate());
        self.failed += measured.failed + measured.refused + measured.unsent;
        measured.good
    }

    fn flowed(&mut self, flowed: Flowed) -> u64 {
        self.per_second.push(flowed.rate);
        self.failed += flowed.failed;
        flowed.acknowledged
    }

    /// The median of the rounds' ratios.
    fn beside(&self, raw: &Self) -> f64 {
        let pairs = self.per_second.iter().zip(&raw.per_second);
        median(pairs.map(|(ours, raw)| ours / raw))
    }

    fn median(&self) -> f64 {
        median(self.per_second.iter().copied())
    }
}

#[derive(Debug, Serialize)]
struct Report {
    rounds: usize,
    seconds: f64,
    figures: Vec<Figures>,
    ratios: Vec<Ratio>,
    /// Of acknowledged calls at half of saturation.
    latency: Vec<Latency>,
    /// Contacts that were acknowledged, and rows that were there afterwards.
    acknowledged: u64,
    stored: u64,
}

#[derive(Debug, Serialize)]
struct Latency {
    what: &'static str,
    per_second: f64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

/// Runs the plan, prints the table, and gives the report as JSON.
pub(crate) async fn run(plan: Plan) -> Result<serde_json::Value, Error> {
    let mut report = Report {
        rounds: plan.rounds,
        seconds: plan.lasting.as_secs_f64(),
        figures: Vec::new(),
        ratios: Vec::new(),
        latency: Vec::new(),
        acknowledged: 0,
        stored: 0,
    };
    Box::pin(on_postgres(&plan, &mut report)).await?;
    Box::pin(on_sqlite(&plan, &mut report)).await?;
    report.print();
    if report.stored < report.acknowledged {
        return Err(Error::Bench(format!(
            "{} contacts were acknowledged and {} are there",
            report.acknowledged, report.stored
        )));
    }
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}

async fn on_postgres(plan: &Plan, report: &mut Report) -> Result<(), Error> {
    let cluster = Cluster::start(plan.postgres.clone()).await?;
    cluster.sql("postgres", "create database reference")?;
    cluster.sql("reference", SCHEMA)?;
    let (apart, together) = (
        Log::Postgres(&cluster, "apart", Role::Interactions),
        Log::Postgres(&cluster, "together", Role::Interactions),
    );
    let raw_dir = scratch()?;
    Log::Postgres(&cluster, "raw", Role::Interactions).make(raw_dir.path())?;
    let apart = House::apart(&apart).await?;
    let together = House::together(&together).await?;
    let contacts = Arc::new(Contacts::new());
    let mut acknowledged = 0;
    for house in [&apart, &together] {
        acknowledged += through(house, &contacts, WARM_UP).await?.good;
    }

    let mut raw_one = Figures::of("pgbench, one row a transaction");
    let mut direct = Figures::of("unary, the service alone");
    let mut gateway = Figures::of("unary, through the gateway");
    let mut one_process = Figures::of("unary, one process");
    let mut raw_hundred = Figures::of("pgbench, 100 rows a transaction");
    let mut stream = Figures::of("stream, through the gateway");
    let mut on_node = Figures::of("unary, Node without a gateway");
    let peer = match &plan.node {
        Some(folder) => {
            let url = cluster.url("postgres", "reference");
            Some(peers::node(folder, &url).await?)
        }
        None => None,
    };
    let seconds = plan.lasting.as_secs().max(1);
    for turn in 1..=plan.rounds {
        say(&format!("PostgreSQL, round {turn} of {}", plan.rounds));
        settled(&cluster).await?;
        raw_one
            .per_second
            .push(cluster.pgbench("reference", ONE, seconds).await?);
        if let Some(peer) = &peer {
            let call = Call::new(peer.address, NODE_PATH, None, &row(), Expected::Something)?;
            on_node.measured(&saturated((peer.address, call), plan.lasting).await?);
        }
        acknowledged += direct.measured(&alone(&apart, &contacts, plan.lasting).await?);
        settled(&cluster).await?;
        acknowledged += gateway.measured(&through(&apart, &contacts, plan.lasting).await?);
        settled(&cluster).await?;
        acknowledged += one_process.measured(&through(&together, &contacts, plan.lasting).await?);
        settled(&cluster).await?;
        let hundreds = cluster.pgbench("raw", HUNDRED, seconds).await?;
        raw_hundred.per_second.push(hundreds * 100.0);
        acknowledged += stream.flowed(streamed(&apart, &contacts, plan.lasting).await?);
    }
    let calls = [
        (
            "direct",
            direct_call(&apart, &contacts)?,
            direct.median() / 2.0,
        ),
        (
            "through the gateway",
            gateway_call(&apart, &contacts)?,
            gateway.median() / 2.0,
        ),
        (
            "one process",
            gateway_call(&together, &contacts)?,
            one_process.median() / 2.0,
        ),
    ];
    for (what, (address, call), rate) in calls {
        settled(&cluster).await?;
        let at_rate = load::open(address, load::CONNECTIONS, &call, rate, plan.lasting).await?;
        acknowledged += at_rate.good;
        report.latency.push(Latency {
            what,
            per_second: rate,
            quantiles: at_rate.quantiles(),
        });
    }
    report.acknowledged += acknowledged;
    for database in ["apart", "together"] {
        report.stored += cluster.count(database, "interaction")?;
    }
    report.ratio(
        "direct / pgbench",
        direct.beside(&raw_one),
        "at least 0.9, stretch 1.1",
    );
    report.ratio(
        "gateway / pgbench",
        gateway.beside(&raw_one),
        "at least 0.65, stretch 0.8",
    );
    report.ratio(
        "one process / pgbench",
        one_process.beside(&raw_one),
        "at least 0.9",
    );
    if peer.is_some() {
        report.ratio("direct / Node", direct.beside(&on_node), "at least 3");
    }
    report.ratio(
        "stream / pgbench of 100 rows",
        stream.beside(&raw_hundred),
        "at least 0.5",
    );
    let all = [raw_one, direct, gateway, one_process, raw_hundred, stream];
    report.figures.extend(all);
    report.figures.extend(peer.map(|_| on_node));
    Ok(())
}

async fn on_sqlite(plan: &Plan, report: &mut Report) -> Result<(), Error> {
    let house = House::together(&Log::Sqlite).await?;
    let aside = scratch()?;
    Log::Sqlite.make(aside.path())?;
    let mut raw = Raw::open(&aside.path().join("interactions.db")).await?;
    let contacts = Arc::new(Contacts::new());
    let mut acknowledged = through(&house, &contacts, WARM_UP).await?.good;
    let mut raw_one = Figures::of("SQLite, one row a commit");
    let mut unary = Figures::of("unary, SQLite");
    let mut raw_hundred = Figures::of("SQLite, 100 rows a commit");
    let mut stream = Figures::of("stream, SQLite");
    for turn in 1..=plan.rounds {
        say(&format!("SQLite, round {turn} of {}", plan.rounds));
        raw_one.per_second.push(raw.rows(1, plan.lasting).await?);
        acknowledged += unary.measured(&through(&house, &contacts, plan.lasting).await?);
        raw_hundred
            .per_second
            .push(raw.rows(100, plan.lasting).await?);
        acknowledged += stream.flowed(streamed(&house, &contacts, plan.lasting).await?);
    }
    report.acknowledged += acknowledged;
    report.stored += Raw::open(&house.dir.path().join("data/interactions.db"))
        .await?
        .count()
        .await?;
    report.ratio(
        "unary / one row a commit, SQLite",
        unary.beside(&raw_one),
        "at least 3",
    );
    report.ratio(
        "stream / 100 rows a commit, SQLite",
        stream.beside(&raw_hundred),
        "at least 0.6",
    );
    report.figures.extend([raw_one, unary, raw_hundred, stream]);
    Ok(())
}

/// Waits until everything that follows from what was logged has followed: what one measurement left to be done would
/// be charged to the next. A suite that does not keep up within a minute is measured with its backlog.
async fn settled(cluster: &Cluster) -> Result<(), Error> {
    const LEFT: &str = "select (select count(*) from outbox) + (select count(*) from interaction) \
                        - (select count(*) from interaction_link) - (select count(*) from pending_link)";
    for _ in 0..120 {
        let mut left = false;
        for database in ["apart", "together"] {
            left |= cluster.sql(database, LEFT)?.trim() != "0";
        }
        if !left {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

async fn alone(
    house: &House,
    contacts: &Arc<Contacts>,
    lasting: Duration,
) -> Result<Measured, Error> {
    saturated(direct_call(house, contacts)?, lasting).await
}

async fn through(
    house: &House,
    contacts: &Arc<Contacts>,
    lasting: Duration,
) -> Result<Measured, Error> {
    saturated(gateway_call(house, contacts)?, lasting).await
}

async fn streamed(
    house: &House,
    contacts: &Arc<Contacts>,
    lasting: Duration,
) -> Result<Flowed, Error> {
    let source = flow::lasting(contacts, lasting);
    flow(house.gateway, &house.token, source).await
}

type Aimed = (std::net::SocketAddr, Call);

async fn saturated((address, call): Aimed, lasting: Duration) -> Result<Measured, Error> {
    let calls = Arc::new(vec![call]);
    load::closed(address, &calls, STREAMS, Until::Over(lasting)).await
}

/// What the service on Node writes: a text as long as those of the contacts.
fn row() -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct RecordRequest {
        #[prost(string, tag = "1")]
        text: String,
    }
    let text = "x".repeat(contact::TEXT);
    RecordRequest { text }.encode_to_vec()
}

/// Signed anew each time, as the gateway does before a signature is old.
fn direct_call(house: &House, contacts: &Arc<Contacts>) -> Result<Aimed, Error> {
    let address = house
        .interactions
        .ok_or_else(|| Error::Bench("the parts are not apart".into()))?;
    let call = fresh(address, None, contacts)?.with("x-rapport-context", house.signed()?);
    Ok((address, call))
}

fn gateway_call(house: &House, contacts: &Arc<Contacts>) -> Result<Aimed, Error> {
    let call = fresh(house.gateway, Some(&house.token), contacts)?;
    Ok((house.gateway, call))
}

fn fresh(
    address: std::net::SocketAddr,
    token: Option<&str>,
    contacts: &Arc<Contacts>,
) -> Result<Call, Error> {
    let contacts = Arc::clone(contacts);
    Call::anew(address, PATH, token, move || contacts.call())
}

fn scratch() -> Result<tempfile::TempDir, Error> {
    tempfile::TempDir::new().map_err(|source| Error::Io {
        what: "a directory for the run".into(),
        source,
    })
}

impl Report {
    fn ratio(&mut self, what: &str, ratio: f64, target: &'static str) {
        self.ratios.push(Ratio {
            what: what.to_owned(),
            ratio,
            target,
        });
    }

    fn print(&self) {
        say(&format!(
            "{:<36} {:>10} {:>7}",
            "target", "rows/s", "failed"
        ));
        for figure in &self.figures {
            say(&format!(
                "{:<36} {:>10.0} {:>7}",
                figure.name,
                figure.median(),
                figure.failed
            ));
        }
        for latency in &self.latency {
            say(&format!(
                "{:<36} {:>10.0} calls/s: p50 {:.1} ms, p99 {:.1} ms (p99 at most 20)",
                format!("{}, half of saturation", latency.what),
                latency.per_second,
                latency.quantiles.p50_ms,
                latency.quantiles.p99_ms
            ));
        }
        for ratio in &self.ratios {
            say(&format!(
                "{:<36} {:>10.2}   ({})",
                ratio.what, ratio.ratio, ratio.target
            ));
        }
        say(&format!(
            "{} acknowledged, {} stored",
            self.acknowledged, self.stored
        ));
    }
}
