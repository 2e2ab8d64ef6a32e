//! Telling interactions as they are logged.

use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, Event, Head, Position};
use rapport_foundation::id::{CustomerId, InteractionId, TenantId};
use rapport_foundation::page::fingerprint;
use rapport_foundation::time::Micros;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::feed::{Ending, Feed, feed};
use super::{App, facts};
use crate::Error;
use crate::domain::{Channel, Interaction};

/// Events read at once: a page of interactions must fit into memory for each watcher.
const PAGE: u32 = 64;
/// The log is looked at again after this time even when nothing was heard: another process may have moved it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is watched.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// From where on.
    pub(crate) from: WatchFrom,
    /// Only on this channel.
    pub(crate) channel: Option<Channel>,
    /// Only of this customer.
    pub(crate) customer: Option<CustomerId>,
}

/// Where a watch begins.
#[derive(Debug, Clone)]
pub(crate) enum WatchFrom {
    /// With what is logged from now on.
    Now,
    /// With the oldest.
    Start,
    /// Behind this place.
    Cursor(String),
}

/// One interaction, or a mere sign of life.
pub(crate) struct Told {
    /// The interaction.
    pub(crate) interaction: Option<Interaction>,
    /// Resumes behind this answer.
    pub(crate) cursor: String,
}

/// One watcher.
struct Watch {
    app: Arc<App>,
    tenant: TenantId,
    watched: Watched,
    at: Position,
    expires: Option<Micros>,
}

impl App {
    /// Tells interactions from a place on, each at least once, until the reader leaves, does not read, or may not.
    pub(crate) async fn watch(
        self: Arc<Self>,
        ctx: &Context,
        watched: Watched,
    ) -> Result<impl Stream<Item = Result<Told, Error>> + Send + use<>, Error> {
        if let Some(customer) = watched.customer {
            self.must_know(ctx, customer).await?;
        }
        let at = match &watched.from {
            WatchFrom::Start => Position::default(),
            WatchFrom::Now => self.log.read(ctx.tenant, Position::default(), 0).await?.1,
            WatchFrom::Cursor(cursor) => {
                let place: Option<(i64, i64)> =
                    self.env.page_tokens.decode(cursor, &query(ctx.tenant))?;
                let (epoch, n) = place.unwrap_or_default();
                let at = Position { epoch, n };
                // A cursor that is ahead of the log is refused at once.
                self.log.read(ctx.tenant, at, 0).await?;
                at
            }
        };
        let (out, answers) = feed(self.config.slow_reader());
        let mut watch = Watch {
            tenant: ctx.tenant,
            watched,
            at,
            expires: ctx.token_expires,
            app: self,
        };
        tokio::spawn(async move {
            let outcome = watch.run(&out).await;
            out.close(outcome);
        });
        Ok(answers)
    }
}

fn query(tenant: TenantId) -> Vec<u8> {
    fingerprint(tenant, &["WatchInteractions"])
}

impl Watch {
    async fn run(&mut self, out: &Feed<Told>) -> Result<(), Ending> {
        let app = Arc::clone(&self.app);
        let mut moves = app.env.db.bus().watch();
        let mut alive = Instant::now();
        let expired = app
            .env
            .clock
            .sleep_until(self.expires.unwrap_or(Micros::MAX));
        tokio::pin!(expired);
        loop {
            let (events, _) = app
                .log
                .read(self.tenant, self.at, PAGE)
                .await
                .map_err(Error::from)?;
            let more = !events.is_empty();
            if self.tell(events, out).await? {
                alive = Instant::now();
            }
            if alive.elapsed() >= app.config.heartbeat() {
                out.tell(Told {
                    interaction: None,
                    cursor: self.cursor(),
                })
                .await?;
                alive = Instant::now();
            }
            let idle = LOOK_AGAIN.min(app.config.heartbeat().saturating_sub(alive.elapsed()));
            tokio::select! {
                biased;
                () = out.left() => return Err(Ending::Left),
                () = app.shutdown().cancelled() => return Err(Error::GoingDown.into()),
                () = &mut expired => return Err(Error::TokenExpired.into()),
                // While there is more to read nothing is waited for.
                () = std::future::ready(()), if more => {}
                () = moved(&mut moves, self.tenant) => {}
                () = tokio::time::sleep(idle) => {}
            }
        }
    }

    /// Tells what the events are about; answers whether anything was told. A filter may let through nothing.
    async fn tell(&mut self, events: Vec<Event>, out: &Feed<Told>) -> Result<bool, Ending> {
        if events.is_empty() {
            return Ok(false);
        }
        if self.app.shutdown().is_cancelled() {
            return Err(Error::GoingDown.into());
        }
        let wanted = self.wanted(&events).await?;
        let ids: Vec<InteractionId> = wanted.iter().flatten().copied().collect();
        let mut loaded = self
            .app
            .in_order(self.tenant, &ids)
            .await?
            .into_iter()
            .peekable();
        let mut told = false;
        for (event, id) in events.iter().zip(wanted) {
            if let Some(position) = event.position {
                self.at = position.into();
            }
            let interaction = id.and_then(|id| loaded.next_if(|next| next.id == id));
            if interaction.is_some() {
                told = true;
                out.tell(Told {
                    interaction,
                    cursor: self.cursor(),
                })
                .await?;
            }
        }
        Ok(told)
    }

    /// Which interaction each event tells of, if it is one to be told.
    async fn wanted(&self, events: &[Event]) -> Result<Vec<Option<InteractionId>>, Error> {
        let mut wanted = Vec::with_capacity(events.len());
        for event in events {
            let (facts, customer) = match (&event.data, self.watched.customer) {
                (Some(Data::InteractionRecorded(recorded)), None) => (&recorded.interaction, None),
                // Whose it is becomes known with the link.
                (Some(Data::InteractionLinked(linked)), Some(_)) => {
                    (&linked.interaction, linked.customer.as_ref())
                }
                (Some(Data::CustomerLinked(linked)), Some(_)) => {
                    (&linked.interaction, linked.customer.as_ref())
                }
                _ => (&None, None),
            };
            let id = facts.as_ref().and_then(|facts| {
                let on_channel = self
                    .watched
                    .channel
                    .is_none_or(|wanted| i32::from(wanted) == facts.channel);
                facts.interaction_id.parse().ok().filter(|_| on_channel)
            });
            let theirs = match (self.watched.customer, customer.and_then(facts::customer)) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wanted), Some(link)) => {
                    self.app
                        .store
                        .customer_of(self.tenant, link)
                        .await?
                        .customer
                        == wanted
                }
            };
            wanted.push(id.filter(|_| theirs));
        }
        Ok(wanted)
    }

    fn cursor(&self) -> String {
        self.app
            .env
            .page_tokens
            .encode(&query(self.tenant), &(self.at.epoch, self.at.n))
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
