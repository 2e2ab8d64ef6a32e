//! Telling tickets as they change, from the log on.
//!
//! A watcher is asked for its next answer only when its reader has room for it, so that one who reads slowly costs
//! nothing: the log waits.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, Event, Head, Log, Position};
use rapport_foundation::id::{AgentId, CustomerId, QueueId, TenantId, TicketId};
use rapport_foundation::page::fingerprint;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1::TicketFacts;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::{App, Error};
use crate::domain::{Ticket, TicketField};

/// Events read at once: a page of tickets must fit into memory for each watcher.
const PAGE: u32 = 64;
/// The log is looked at again after this time even when nothing was heard: another process may have moved it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is watched.
#[derive(Debug, Clone)]
pub(crate) struct WatchedTickets {
    /// From where on.
    pub(crate) from: WatchFrom,
    pub(crate) queue: Option<QueueId>,
    pub(crate) owner: Option<AgentId>,
    pub(crate) customer: Option<CustomerId>,
}

/// Where a watch begins.
#[derive(Debug, Clone)]
pub(crate) enum WatchFrom {
    /// With what changes from now on.
    Now,
    /// With the oldest change.
    Start,
    /// Behind this place.
    Cursor(String),
}

/// One change, or a mere sign of life.
#[derive(Debug)]
pub(crate) struct ToldTicket {
    pub(crate) change: Option<TicketNews>,
    /// Resumes behind this answer.
    pub(crate) cursor: String,
}

/// What became of a ticket.
#[derive(Debug)]
pub(crate) struct TicketNews {
    /// As it is now.
    pub(crate) ticket: Ticket,
    /// What the log calls it.
    pub(crate) kind: String,
    pub(crate) fields: Vec<String>,
    pub(crate) at: Option<Micros>,
}

impl App {
    /// Tells tickets from a place on, each change at least once, until the reader leaves or may not read any more.
    pub(crate) async fn watch_tickets(
        &self,
        ctx: &Context,
        watched: WatchedTickets,
    ) -> Result<impl Stream<Item = Result<ToldTicket, Error>> + Send + use<>, Error> {
        let env = &self.0.env;
        let log = Log::new(env.db.clone());
        let at = match &watched.from {
            WatchFrom::Start => Position::default(),
            WatchFrom::Now => log.read(ctx.tenant, Position::default(), 0).await?.1,
            WatchFrom::Cursor(cursor) => {
                let place: Option<(i64, i64)> =
                    env.page_tokens.decode(cursor, &query(ctx.tenant))?;
                let (epoch, n) = place.unwrap_or_default();
                let at = Position { epoch, n };
                // A cursor that is ahead of the log is refused at once.
                log.read(ctx.tenant, at, 0).await?;
                at
            }
        };
        let watch = Watch {
            moves: env.db.bus().watch(),
            app: self.clone(),
            log,
            tenant: ctx.tenant,
            watched,
            at,
            ready: VecDeque::new(),
            alive: Instant::now(),
            expires: ctx.token_expires.unwrap_or(Micros::MAX),
        };
        Ok(futures::stream::unfold(Some(watch), |watch| async move {
            let mut watch = watch?;
            match watch.next().await {
                Ok(told) => Some((Ok(told), Some(watch))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

fn query(tenant: TenantId) -> Vec<u8> {
    fingerprint(tenant, &["WatchTickets"])
}

/// One watcher.
struct Watch {
    app: App,
    log: Log,
    tenant: TenantId,
    watched: WatchedTickets,
    moves: broadcast::Receiver<Head>,
    /// Everything up to here is told or ready to be.
    at: Position,
    ready: VecDeque<ToldTicket>,
    /// When something was last told.
    alive: Instant,
    expires: Micros,
}

impl Watch {
    async fn next(&mut self) -> Result<ToldTicket, Error> {
        let heartbeat = Duration::from_millis(self.app.0.config.heartbeat_ms.max(1));
        loop {
            let env = &self.app.0.env;
            if env.shutdown.is_cancelled() {
                return Err(Error::Draining);
            }
            if env.clock.now() >= self.expires {
                return Err(Error::token_expired());
            }
            if let Some(told) = self.ready.pop_front() {
                self.alive = Instant::now();
                return Ok(told);
            }
            let (events, _) = self.log.read(self.tenant, self.at, PAGE).await?;
            if !events.is_empty() {
                self.take(&events).await?;
                continue;
            }
            if self.alive.elapsed() >= heartbeat {
                self.ready.push_back(ToldTicket {
                    change: None,
                    cursor: self.cursor(self.at),
                });
                continue;
            }
            let idle = LOOK_AGAIN.min(heartbeat.saturating_sub(self.alive.elapsed()));
            let env = &self.app.0.env;
            tokio::select! {
                () = env.shutdown.cancelled() => {}
                () = env.clock.sleep_until(self.expires) => {}
                () = moved(&mut self.moves, self.tenant) => {}
                () = tokio::time::sleep(idle) => {}
            }
        }
    }

    /// Makes ready what these events tell. A filter may let through nothing.
    async fn take(&mut self, events: &[Event]) -> Result<(), Error> {
        let ids: Vec<TicketId> = events.iter().flat_map(tickets_of).collect();
        let store = self.app.store();
        let tickets = store.tickets_named(self.tenant, &ids).await?;
        let tickets: HashMap<TicketId, Ticket> = tickets
            .into_iter()
            .map(|ticket| (ticket.id, ticket))
            .collect();
        for event in events {
            let before = self.at;
            if let Some(position) = event.position {
                self.at = position.into();
            }
            let fields = fields_of(event);
            let known = tickets_of(event).into_iter();
            let known = known.filter_map(|id| tickets.get(&id));
            let wanted: Vec<&Ticket> = known.filter(|t| self.is_wanted(t, &fields)).collect();
            for (place, ticket) in wanted.iter().enumerate() {
                // Whoever is cut off between two of one event is told both again.
                let last = place + 1 == wanted.len();
                let cursor = self.cursor(if last { self.at } else { before });
                let news = TicketNews {
                    ticket: as_listed(ticket),
                    kind: event.r#type.clone(),
                    fields: fields.clone(),
                    at: event.time.as_ref().map(Micros::from),
                };
                self.ready.push_back(ToldTicket {
                    change: Some(news),
                    cursor,
                });
            }
        }
        Ok(())
    }

    /// Whoever watches a queue or an owner also sees what goes to another, which they may have seen before.
    fn is_wanted(&self, ticket: &Ticket, fields: &[String]) -> bool {
        let moved = |field: TicketField| fields.iter().any(|name| name == field.as_str());
        let WatchedTickets {
            queue,
            owner,
            customer,
            ..
        } = &self.watched;
        queue.is_none_or(|queue| ticket.queue == queue || moved(TicketField::Queue))
            && owner.is_none_or(|own| ticket.owner == Some(own) || moved(TicketField::Owner))
            && customer.is_none_or(|id| ticket.customer.is_some_and(|c| c.customer == id))
    }

    fn cursor(&self, at: Position) -> String {
        let tokens = &self.app.0.env.page_tokens;
        tokens.encode(&query(self.tenant), &(at.epoch, at.n))
    }
}

/// Without what a list leaves out.
fn as_listed(ticket: &Ticket) -> Ticket {
    Ticket {
        attributes: Default::default(),
        resolution: Personal::default(),
        ..ticket.clone()
    }
}

/// The tickets that an event is about.
fn tickets_of(event: &Event) -> Vec<TicketId> {
    let facts: [Option<&TicketFacts>; 2] = match &event.data {
        Some(Data::TicketOpened(e)) => [e.ticket.as_ref(), None],
        Some(Data::TicketResolved(e)) => [e.ticket.as_ref(), None],
        Some(Data::TicketReopened(e)) => [e.ticket.as_ref(), None],
        Some(Data::TicketClosed(e)) => [e.ticket.as_ref(), None],
        Some(Data::TicketUpdated(e)) => [e.ticket.as_ref(), None],
        Some(Data::SlaEscalated(e)) => [e.ticket.as_ref(), None],
        Some(Data::SlaBreached(e)) => [e.ticket.as_ref(), None],
        Some(Data::SlaMet(e)) => [e.ticket.as_ref(), None],
        Some(Data::TicketMerged(e)) => [e.ticket.as_ref(), e.merged_ticket.as_ref()],
        Some(Data::TicketUnmerged(e)) => [e.ticket.as_ref(), e.merged_ticket.as_ref()],
        Some(Data::TicketSplit(e)) => [e.ticket.as_ref(), e.split_ticket.as_ref()],
        _ => [None, None],
    };
    let ids = facts.into_iter().flatten();
    ids.filter_map(|facts| facts.ticket_id.parse().ok())
        .collect()
}

/// What an event says to have changed. An escalation that moves or assigns does what an update does.
fn fields_of(event: &Event) -> Vec<String> {
    let field = |field: TicketField| vec![field.as_str().to_owned()];
    match &event.data {
        Some(Data::TicketUpdated(updated)) => updated.fields.clone(),
        Some(Data::SlaEscalated(step)) => match step.action.as_str() {
            "move" => field(TicketField::Queue),
            "assign" => field(TicketField::Owner),
            "raise_priority" => field(TicketField::Priority),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Returns when the tenant's log may have moved.
async fn moved(moves: &mut broadcast::Receiver<Head>, tenant: TenantId) {
    loop {
        match moves.recv().await {
            Ok(head) if head.tenant != tenant => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
