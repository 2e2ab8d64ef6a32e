//! Through the gateway to PostgreSQL and back: a ticket comes in, an agent who sits at an open stream is offered it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rapport_foundation::role::Role;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::agent_service_client::AgentServiceClient;
use rapport_proto::routing::v1::offer_service_client::OfferServiceClient;
use rapport_proto::routing::v1::queue_service_client::QueueServiceClient;
use rapport_proto::routing::v1::ticket_service_client::TicketServiceClient;
use rapport_proto::routing::v1::watch_offers_response::Event;
use rapport_proto::routing::v1::work_item_service_client::WorkItemServiceClient;
use rapport_proto::types::v1::Channel;
use tokio::task::JoinSet;
use tonic::Status;

use super::super::house::{House, Log};
use super::super::load::{histogram, quantiles};
use super::super::postgres::Cluster;
use super::{Durable, Report, Times};
use crate::cli::say;
use crate::client::{Authorised, Gateway, request_id};
use crate::error::Error;

/// How long an agent has a ticket in hand: short enough that agents come free as fast as tickets come.
const HANDLING: Duration = Duration::from_millis(800);
/// How long what was begun may take to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections that tickets come over.
const DESKS_OF_SENDERS: usize = 4;
/// Agents who are set up at a time.
const AT_A_TIME: usize = 32;

/// When a ticket was due and when it was on an agent's desk; whichever is known first waits for the other.
#[derive(Debug)]
enum Half {
    Due(Instant),
    Offered(Instant),
}

/// What was seen.
struct Seen {
    halves: HashMap<String, Half>,
    to_offer: Histogram<u64>,
    to_confirmed: Histogram<u64>,
    failed: u64,
    completed: u64,
}

#[derive(Clone)]
struct Sheet(Arc<Mutex<Seen>>);

impl Sheet {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Seen {
            halves: HashMap::new(),
            to_offer: histogram(),
            to_confirmed: histogram(),
            failed: 0,
            completed: 0,
        })))
    }

    fn with<T>(&self, note: impl FnOnce(&mut Seen) -> T) -> T {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn due(&self, ticket: String, due: Instant) {
        self.with(|seen| match seen.halves.remove(&ticket) {
            Some(Half::Offered(at)) => {
                record(&mut seen.to_offer, at.saturating_duration_since(due))
            }
            _ => drop(seen.halves.insert(ticket, Half::Due(due))),
        });
    }

    fn offered(&self, ticket: &str, at: Instant) {
        self.with(|seen| match seen.halves.remove(ticket) {
            Some(Half::Due(due)) => record(&mut seen.to_offer, at.saturating_duration_since(due)),
            _ => drop(seen.halves.insert(ticket.to_owned(), Half::Offered(at))),
        });
    }

    fn failed(&self) {
        self.with(|seen| seen.failed += 1);
    }
}

fn record(times: &mut Histogram<u64>, took: Duration) {
    times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}

pub(super) async fn run(plan: &Durable, report: &mut Report) -> Result<(), Error> {
    let cluster = Cluster::start(plan.postgres.clone()).await?;
    let log = Log::Postgres(&cluster, "routing", Role::Routing);
    let house = House::apart(&log).await?;
    let manager = house.token_for("manager", "manager")?;
    let office = Gateway::at(&format!("http://{}", house.gateway), None)?.presenting(&manager)?;
    let queue = queue(&office).await?;
    let sheet = Sheet::new();
    let mut desks = open_desks(&house, &office, &queue, plan.agents, &sheet).await?;
    say(&format!("{} agents at their desks", plan.agents));
    let sent = send(&house, &manager, &queue, plan, &sheet).await?;
    finished(&sheet, sent).await;
    desks.abort_all();
    let stored = cluster.count("routing", "tickets")?;
    sheet.with(|seen| {
        for (what, times) in [
            ("ticket created to offer on the stream", &seen.to_offer),
            ("offer accepted to confirmed", &seen.to_confirmed),
        ] {
            report.times.push(Times {
                what,
                count: times.len(),
                quantiles: quantiles(times),
            });
        }
        let (offered, confirmed) = (quantiles(&seen.to_offer), quantiles(&seen.to_confirmed));
        report.note(
            "p99 of ticket created to offered",
            offered.p99_ms,
            "ms",
            "at most 50",
        );
        report.note(
            "p99 of accepted to confirmed",
            confirmed.p99_ms,
            "ms",
            "at most 20",
        );
        report.note("tickets a second", plan.rate, "/s", "500");
        report.note(
            "agents with an open stream",
            as_figure(plan.agents as u64),
            "",
            "1000",
        );
        report.note(
            "tickets in the database",
            as_figure(stored),
            "",
            "all that were sent",
        );
        report.note("tickets sent", as_figure(sent), "", "");
        report.note(
            "work items completed",
            as_figure(seen.completed),
            "",
            "all that were sent",
        );
        report.note("calls that failed", as_figure(seen.failed), "", "none");
    });
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
const fn as_figure(count: u64) -> f64 {
    count as f64
}

async fn queue(office: &Authorised) -> Result<String, Status> {
    let request = pb::CreateQueueRequest {
        request_id: request_id(),
        queue: Some(pb::Queue {
            code: "bench".into(),
            display_name: "Bench".into(),
            offer_timeout_s: 60,
            ..pb::Queue::default()
        }),
    };
    let created = QueueServiceClient::new(office.clone())
        .create_queue(request)
        .await?;
    Ok(created.into_inner().queue.unwrap_or_default().id)
}

/// Agents, each at a connection of their own.
async fn open_desks(
    house: &House,
    office: &Authorised,
    queue: &str,
    count: usize,
    sheet: &Sheet,
) -> Result<JoinSet<()>, Error> {
    let mut desks = JoinSet::new();
    let mut opening = JoinSet::new();
    for n in 0..count {
        if opening.len() >= AT_A_TIME {
            opened(&mut opening, &mut desks, sheet).await?;
        }
        let name = format!("agent-{n}");
        let token = house.token_for(&name, "agent")?;
        let desk = Gateway::at(&format!("http://{}", house.gateway), None)?.presenting(&token)?;
        opening.spawn(Desk::open(office.clone(), desk, name, queue.to_owned()));
    }
    while !opening.is_empty() {
        opened(&mut opening, &mut desks, sheet).await?;
    }
    Ok(desks)
}

async fn opened(
    opening: &mut JoinSet<Result<Desk, Status>>,
    desks: &mut JoinSet<()>,
    sheet: &Sheet,
) -> Result<(), Error> {
    if let Some(desk) = opening.join_next().await {
        let desk = desk.map_err(|error| Error::Bench(error.to_string()))??;
        desks.spawn(desk.work(sheet.clone()));
    }
    Ok(())
}

/// An agent at work.
struct Desk {
    gateway: Authorised,
    events: tonic::Streaming<pb::WatchOffersResponse>,
}

impl Desk {
    async fn open(
        office: Authorised,
        gateway: Authorised,
        name: String,
        queue: String,
    ) -> Result<Self, Status> {
        let request = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(pb::Agent {
                principal: name.clone(),
                display_name: name,
                queue_ids: vec![queue],
                ..pb::Agent::default()
            }),
        };
        let created = AgentServiceClient::new(office)
            .create_agent(request)
            .await?;
        let agent = created.into_inner().agent.unwrap_or_default();
        let watch = pb::WatchOffersRequest {
            agent_id: agent.id.clone(),
        };
        let mut events = OfferServiceClient::new(gateway.clone())
            .watch_offers(watch)
            .await?
            .into_inner();
        events.message().await?;
        let status = pb::SetAgentStatusRequest {
            request_id: request_id(),
            agent_id: agent.id,
            status: pb::AgentStatus::Available.into(),
            reason: String::new(),
        };
        AgentServiceClient::new(gateway.clone())
            .set_agent_status(status)
            .await?;
        Ok(Self { gateway, events })
    }

    /// Takes whatever comes, has it in hand for a while, and is done with it.
    async fn work(mut self, sheet: Sheet) {
        while let Ok(Some(answer)) = self.events.message().await {
            let Some(Event::Offer(offer)) = answer.event else {
                continue;
            };
            let at = Instant::now();
            let item = offer.work_item.unwrap_or_default();
            sheet.offered(&item.ticket_id, at);
            let (gateway, sheet) = (self.gateway.clone(), sheet.clone());
            tokio::spawn(async move {
                if handle(gateway, offer.id, item.id, &sheet).await.is_err() {
                    sheet.failed();
                }
            });
        }
    }
}

async fn handle(
    gateway: Authorised,
    offer_id: String,
    work_item_id: String,
    sheet: &Sheet,
) -> Result<(), Status> {
    let begun = Instant::now();
    let accept = pb::AcceptOfferRequest {
        request_id: request_id(),
        offer_id,
    };
    OfferServiceClient::new(gateway.clone())
        .accept_offer(accept)
        .await?;
    sheet.with(|seen| record(&mut seen.to_confirmed, begun.elapsed()));
    tokio::time::sleep(HANDLING).await;
    let complete = pb::CompleteWorkRequest {
        request_id: request_id(),
        work_item_id,
        disposition: "done".into(),
        skip_wrap_up: true,
    };
    WorkItemServiceClient::new(gateway)
        .complete_work(complete)
        .await?;
    sheet.with(|seen| seen.completed += 1);
    Ok(())
}

/// Tickets at a fixed rate, whether they are taken or not. Their time counts from the moment they were due.
async fn send(
    house: &House,
    token: &str,
    queue: &str,
    plan: &Durable,
    sheet: &Sheet,
) -> Result<u64, Error> {
    let mut ways = Vec::new();
    for _ in 0..DESKS_OF_SENDERS {
        let way = Gateway::at(&format!("http://{}", house.gateway), None)?;
        ways.push(way.presenting(token)?);
    }
    let begin = tokio::time::Instant::now();
    let mut sending = JoinSet::new();
    for (turn, way) in (0_u32..).zip(ways.iter().cycle()) {
        let due = Duration::from_secs_f64(f64::from(turn) / plan.rate);
        if due >= plan.lasting {
            break;
        }
        tokio::time::sleep_until(begin + due).await;
        let due = (begin + due).into_std();
        sending.spawn(create(way.clone(), queue.to_owned(), due, sheet.clone()));
    }
    let sent = sending.len() as u64;
    sending.join_all().await;
    Ok(sent)
}

async fn create(way: Authorised, queue: String, due: Instant, sheet: Sheet) {
    let request = pb::CreateTicketRequest {
        request_id: request_id(),
        ticket: Some(pb::Ticket {
            subject: "Where is my parcel?".into(),
            description: "It was to come on Monday.".into(),
            queue_id: queue,
            ..pb::Ticket::default()
        }),
        work_channel: Channel::Chat.into(),
    };
    match TicketServiceClient::new(way).create_ticket(request).await {
        Ok(created) => {
            let ticket = created.into_inner().ticket.unwrap_or_default();
            sheet.due(ticket.id, due);
        }
        Err(_) => sheet.failed(),
    }
}

/// Waits until everything that was sent is done with, or has failed.
async fn finished(sheet: &Sheet, sent: u64) {
    let until = Instant::now() + PATIENCE;
    while sheet.with(|seen| seen.completed + seen.failed) < sent && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
