//! `rapport bench timeline`: what it takes to read and to search a log that is small, and one that is large.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prost::Message as _;
use rapport_foundation::role::Role;
use rapport_foundation::time::{Clock, Micros};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use serde::Serialize;

use super::archive::{Archive, COMMON, scattered};
use super::flow::flow;
use super::house::{House, Log};
use super::load::{self, Quantiles};
use super::postgres::Cluster;
use super::process;
use super::report::Ratio;
use super::way::{Call, framed};
use crate::cli::say;
use crate::client::{Authorised, Gateway};
use crate::error::Error;

const SERVICE: &str = "/rapport.interactions.v1.InteractionService";
/// Contacts between two lines about the progress.
const STEP: u64 = 100_000;
/// Customers whose timelines are read.
const CUSTOMERS: usize = 1000;
/// Connections of the readers.
const READERS: usize = 4;
/// How long everything that follows from what was logged may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What a run is to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Contacts of the small log.
    pub(crate) small: u64,
    /// Contacts of the large one.
    pub(crate) large: u64,
    /// Reads a second.
    pub(crate) rate: f64,
    pub(crate) lasting: Duration,
    /// On PostgreSQL, whose programs are here, or the newest installed. On SQLite when not given.
    pub(crate) postgres: Option<Option<PathBuf>>,
}

#[derive(Debug, Serialize)]
struct Report {
    engine: &'static str,
    sizes: Vec<Size>,
    ratios: Vec<Ratio>,
}

/// What was measured of a log of one size.
#[derive(Debug, Serialize)]
struct Size {
    contacts: u64,
    /// Logged a second while the log grew to this size.
    logged_per_second: f64,
    /// Linked and indexed a second while it did.
    settled_per_second: f64,
    resident_mib: f64,
    reads: Vec<Reads>,
}

#[derive(Debug, Serialize)]
struct Reads {
    what: &'static str,
    failed: u64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

/// Runs the plan, prints the table, and gives the report as JSON.
pub(crate) async fn run(plan: Plan) -> Result<serde_json::Value, Error> {
    let cluster = match &plan.postgres {
        Some(bin) => Some(Cluster::start(bin.clone()).await?),
        None => None,
    };
    let log = cluster.as_ref().map_or(Log::Sqlite, |cluster| {
        Log::Postgres(cluster, "archive", Role::Interactions)
    });
    let house = House::together(&log).await?;
    let archive = Arc::new(Archive::new(plan.large, Clock::system().now()));
    let mut report = Report {
        engine: if cluster.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        },
        sizes: Vec::new(),
        ratios: Vec::new(),
    };
    let mut filled = 0;
    for contacts in [plan.small, plan.large] {
        let begun = Instant::now();
        grow(&house, &archive, filled, contacts).await?;
        let logged = begun.elapsed();
        settled(&house).await?;
        say("all of them linked and found; reading");
        let fresh = contacts - filled;
        filled = contacts;
        report.sizes.push(Size {
            contacts,
            logged_per_second: rate(fresh, logged),
            settled_per_second: rate(fresh, begun.elapsed()),
            resident_mib: resident_mib(&house)?,
            reads: reads(&plan, &house, &archive).await?,
        });
    }
    report.compare();
    report.print();
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}

/// Lets the log grow by streams through the gateway.
async fn grow(house: &House, archive: &Arc<Archive>, from: u64, to: u64) -> Result<(), Error> {
    let mut size = from;
    while size < to {
        size = (size + STEP).min(to);
        archive.grow(size);
        let source = Arc::clone(archive);
        let flowed = flow(house.gateway, &house.token, Arc::new(move || source.next())).await?;
        if flowed.failed > 0 {
            return Err(Error::Bench(format!("{} were refused", flowed.failed)));
        }
        say(&format!(
            "{size} of {to} contacts, {:.0} a second, {:.0} MiB resident",
            flowed.rate,
            resident_mib(house)?
        ));
    }
    Ok(())
}

/// Waits until a contact that was logged behind all others is linked and found: both follow the log in its order.
async fn settled(house: &House) -> Result<(), Error> {
    let word = format!("kolofon{}", uuid::Uuid::now_v7().simple());
    let last = pb::RecordInteractionRequest {
        interaction: Some(super::contact::Contacts::new().saying(&word)),
    };
    reader(house, &house.token)?
        .record_interaction(last)
        .await?;
    let mut reader = reader(house, &house.reader)?;
    let until = Instant::now() + PATIENCE;
    loop {
        let request = pb::SearchInteractionsRequest {
            query: word.clone(),
            ..pb::SearchInteractionsRequest::default()
        };
        let found = reader.search_interactions(request).await?.into_inner();
        if let Some(hit) = found.hits.first() {
            let request = pb::GetInteractionRequest {
                interaction_id: hit.interaction_id.clone(),
            };
            let read = reader.get_interaction(request).await?.into_inner();
            let state = read.interaction.unwrap_or_default().link_state();
            if state == pb::LinkState::Linked {
                return Ok(());
            }
        }
        if Instant::now() > until {
            return Err(Error::Bench(
                "what was logged is not linked and indexed".into(),
            ));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn reads(plan: &Plan, house: &House, archive: &Arc<Archive>) -> Result<Vec<Reads>, Error> {
    let customers = customers(house).await?;
    let draws = Arc::new(AtomicU64::new(0));
    let draw = move || scattered(draws.fetch_add(1, Ordering::Relaxed));
    let (timeline, rare, common) = (draw.clone(), draw.clone(), draw);
    let (words, window) = (Arc::clone(archive), Arc::clone(archive));
    let mut all = Vec::new();
    for (what, call) in [
        (
            "timeline, a page of 50",
            asking(house, "ListTimeline", move || {
                let at = usize::try_from(timeline()).unwrap_or_default() % customers.len();
                let request = pb::ListTimelineRequest {
                    customer_id: customers[at].clone(),
                    ..pb::ListTimelineRequest::default()
                };
                request.encode_to_vec()
            })?,
        ),
        (
            "search, a word of 20 contacts",
            asking(house, "SearchInteractions", move || {
                let request = pb::SearchInteractionsRequest {
                    query: words.rare(rare()),
                    ..pb::SearchInteractionsRequest::default()
                };
                request.encode_to_vec()
            })?,
        ),
        (
            "search, a common word in a window",
            asking(house, "SearchInteractions", move || {
                // A tenth of all time, anywhere.
                let tenth = window.size() / 10;
                let from = common() % (window.size() - tenth).max(1);
                let request = pb::SearchInteractionsRequest {
                    query: COMMON.into(),
                    from_time: Some(time(window.at(from))),
                    until_time: Some(time(window.at(from + tenth))),
                    ..pb::SearchInteractionsRequest::default()
                };
                request.encode_to_vec()
            })?,
        ),
    ] {
        let measured = load::open(house.gateway, READERS, &call, plan.rate, plan.lasting).await?;
        all.push(Reads {
            what,
            failed: measured.failed + measured.refused + measured.unsent,
            quantiles: measured.quantiles(),
        });
    }
    Ok(all)
}

fn time(at: Micros) -> prost_types::Timestamp {
    at.into()
}

fn asking(
    house: &House,
    method: &str,
    request: impl Fn() -> Vec<u8> + Send + Sync + 'static,
) -> Result<Call, Error> {
    Call::anew(
        house.gateway,
        &format!("{SERVICE}/{method}"),
        Some(&house.reader),
        move || framed(&request()),
    )
}

/// Customers who wrote lately.
async fn customers(house: &House) -> Result<Vec<String>, Error> {
    let mut reader = reader(house, &house.reader)?;
    let request = pb::ListInteractionsRequest {
        page_size: i32::try_from(CUSTOMERS).unwrap_or(i32::MAX),
        ..pb::ListInteractionsRequest::default()
    };
    let page = reader.list_interactions(request).await?.into_inner();
    let customers = page.interactions.into_iter().filter_map(|one| one.customer);
    let mut customers: Vec<String> = customers.map(|customer| customer.customer_id).collect();
    customers.sort_unstable();
    customers.dedup();
    if customers.is_empty() {
        return Err(Error::Bench("there are no customers".into()));
    }
    Ok(customers)
}

fn reader(house: &House, token: &str) -> Result<InteractionServiceClient<Authorised>, Error> {
    let way = Gateway::at(&format!("http://{}", house.gateway), None)?.presenting(token)?;
    Ok(InteractionServiceClient::new(way).max_decoding_message_size(64 << 20))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::EPSILON)
}

#[expect(clippy::cast_precision_loss, reason = "memory of a process is small")]
fn resident_mib(house: &House) -> Result<f64, Error> {
    let mut kib = 0;
    for process in house.processes() {
        kib += process::usage(process.id())?.resident_kib;
    }
    Ok(kib as f64 / 1024.0)
}

impl Report {
    fn compare(&mut self) {
        let [small, large] = self.sizes.as_slice() else {
            return;
        };
        for ((few, many), target) in small.reads.iter().zip(&large.reads).zip([
            "at most 2",
            "at most 2",
            "p99 at most 200 ms",
        ]) {
            self.ratios.push(Ratio {
                what: format!("p99 large / small: {}", few.what),
                ratio: many.quantiles.p99_ms / few.quantiles.p99_ms,
                target,
            });
        }
    }

    fn print(&self) {
        for size in &self.sizes {
            say(&format!(
                "{} contacts on {}: {:.0} logged a second, {:.0} linked and indexed, {:.0} MiB resident",
                size.contacts,
                self.engine,
                size.logged_per_second,
                size.settled_per_second,
                size.resident_mib
            ));
            for reads in &size.reads {
                say(&format!(
                    "  {:<36} p50 {:>7.2} ms, p99 {:>7.2} ms, p99.9 {:>7.2} ms, failed {}",
                    reads.what,
                    reads.quantiles.p50_ms,
                    reads.quantiles.p99_ms,
                    reads.quantiles.p999_ms,
                    reads.failed
                ));
            }
        }
        for ratio in &self.ratios {
            say(&format!(
                "{:<56} {:>6.2}   ({})",
                ratio.what, ratio.ratio, ratio.target
            ));
        }
    }
}
