//! An agent's desk: the open stream of offers, and what the agent does with them.

use std::time::{Duration, Instant};

use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::agent_service_client::AgentServiceClient;
use rapport_proto::routing::v1::offer_service_client::OfferServiceClient;
use rapport_proto::routing::v1::ticket_service_client::TicketServiceClient;
use rapport_proto::routing::v1::watch_offers_response::Event;
use rapport_proto::routing::v1::work_item_service_client::WorkItemServiceClient;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Status;

use super::wait::WITHIN;
use crate::client::{Authorised, request_id};

/// An agent at work.
pub(super) struct Desk {
    pub(super) name: String,
    pub(super) agent_id: String,
    gateway: Authorised,
    events: mpsc::UnboundedReceiver<(Instant, Event)>,
    watching: JoinHandle<()>,
}

/// An offer as it appeared on the desk.
#[derive(Clone)]
pub(super) struct Offered {
    pub(super) offer: pb::Offer,
    pub(super) at: Instant,
}

impl Offered {
    pub(super) fn item(&self) -> pb::WorkItem {
        self.offer.work_item.clone().unwrap_or_default()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Desk {
    /// Sits down: opens the stream, waits for its snapshot, and takes work from then on.
    pub(super) async fn open(gateway: Authorised, agent: &pb::Agent) -> Result<Desk, Status> {
        let request = pb::WatchOffersRequest {
            agent_id: agent.id.clone(),
        };
        let mut stream = OfferServiceClient::new(gateway.clone())
            .watch_offers(request)
            .await?
            .into_inner();
        let (sender, mut events) = mpsc::unbounded_channel();
        let watching = tokio::spawn(async move {
            while let Ok(Some(answer)) = stream.message().await {
                if let Some(event) = answer.event
                    && sender.send((Instant::now(), event)).is_err()
                {
                    return;
                }
            }
        });
        let snapshot = tokio::time::timeout(WITHIN, events.recv()).await;
        if !matches!(snapshot, Ok(Some((_, Event::Snapshot(_))))) {
            return Err(Status::internal(
                "the first answer of a desk must be its snapshot",
            ));
        }
        let desk = Desk {
            name: agent.display_name.clone(),
            agent_id: agent.id.clone(),
            gateway,
            events,
            watching,
        };
        desk.status(pb::AgentStatus::Available).await?;
        Ok(desk)
    }

    /// The next offer; an error when none comes in time.
    pub(super) async fn next_offer(&mut self) -> Result<Offered, Status> {
        let ends = tokio::time::Instant::now() + WITHIN;
        loop {
            match tokio::time::timeout_at(ends, self.events.recv()).await {
                Ok(Some((at, Event::Offer(offer)))) => return Ok(Offered { offer, at }),
                Ok(Some(_)) => (),
                Ok(None) => return Err(Status::unavailable("the desk was closed")),
                Err(_) => {
                    let text = format!("{} was offered nothing within {WITHIN:?}", self.name);
                    return Err(Status::deadline_exceeded(text));
                }
            }
        }
    }

    pub(super) async fn status(&self, status: pb::AgentStatus) -> Result<pb::Agent, Status> {
        let request = pb::SetAgentStatusRequest {
            request_id: request_id(),
            agent_id: self.agent_id.clone(),
            status: status as i32,
            reason: String::new(),
        };
        let answer = AgentServiceClient::new(self.gateway.clone())
            .set_agent_status(request)
            .await?;
        Ok(answer.into_inner().agent.unwrap_or_default())
    }

    /// Leaves for a while with nothing on the desk.
    pub(super) async fn leave(self) -> Result<(), Status> {
        self.status(pb::AgentStatus::Away).await.map(drop)
    }

    pub(super) async fn accept(&self, offered: &Offered) -> Result<pb::WorkItem, Status> {
        let request = pb::AcceptOfferRequest {
            request_id: request_id(),
            offer_id: offered.offer.id.clone(),
        };
        let answer = OfferServiceClient::new(self.gateway.clone())
            .accept_offer(request)
            .await?;
        Ok(answer.into_inner().work_item.unwrap_or_default())
    }

    /// Solves the matter and is done with the work.
    pub(super) async fn finish(&self, item: &pb::WorkItem) -> Result<pb::Ticket, Status> {
        let resolve = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: item.ticket_id.clone(),
            outcome: "solved".into(),
            ..pb::ResolveTicketRequest::default()
        };
        let answer = TicketServiceClient::new(self.gateway.clone())
            .resolve_ticket(resolve)
            .await?;
        self.complete(item).await?;
        Ok(answer.into_inner().ticket.unwrap_or_default())
    }

    /// Is done with the work; the matter stays open.
    pub(super) async fn complete(&self, item: &pb::WorkItem) -> Result<pb::WorkItem, Status> {
        let complete = pb::CompleteWorkRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
            disposition: "done".into(),
            skip_wrap_up: true,
        };
        let answer = WorkItemServiceClient::new(self.gateway.clone())
            .complete_work(complete)
            .await?;
        Ok(answer.into_inner().work_item.unwrap_or_default())
    }

    /// Takes and finishes whatever comes, until told to stop or nothing comes for a while. Answers when each
    /// work item was offered, by the interaction that asked for it.
    pub(super) async fn work(
        &mut self,
        handling: Duration,
        count: &std::sync::atomic::AtomicUsize,
        wanted: usize,
    ) -> Result<Vec<(String, Instant)>, Status> {
        use std::sync::atomic::Ordering;
        let mut done = Vec::new();
        let idle = tokio::time::sleep(WITHIN);
        tokio::pin!(idle);
        while count.load(Ordering::Relaxed) < wanted {
            let event = tokio::select! {
                event = self.events.recv() => event,
                () = tokio::time::sleep(Duration::from_millis(20)) => continue,
                () = &mut idle => return Err(Status::deadline_exceeded("work ran out too early")),
            };
            let Some((at, event)) = event else {
                return Err(Status::unavailable("the desk was closed"));
            };
            let Event::Offer(offer) = event else { continue };
            let item = self.accept(&Offered { offer, at }).await?;
            tokio::time::sleep(handling).await;
            self.finish(&item).await?;
            done.push((item.interaction_id, at));
            count.fetch_add(1, Ordering::Relaxed);
            idle.as_mut().reset(tokio::time::Instant::now() + WITHIN);
        }
        Ok(done)
    }
}
