//! Applying one tenant's events from one source until there are no more.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rapport_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::bus::Position;
use super::feed::{Feed, Refused};
use super::mark::{Batch, Handler, Mark, follows, position_of, standing};
use super::parked;
use crate::db::Database;
use crate::error::{Code, Failure};
use crate::id::TenantId;
use crate::role::Role;
use crate::telemetry;

/// A single event may fail so often before it is parked.
const ATTEMPTS: u32 = 5;
/// Between the attempts of a single event; doubled each time.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// What all workers of one consumer share.
pub(super) struct Worker {
    pub(super) db: Database,
    pub(super) feed: Feed,
    pub(super) source: Role,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) page: u32,
    pub(super) shutdown: CancellationToken,
}

/// How a worker ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nothing was left to read behind this.
    CaughtUp(Position),
    /// To be tried again later.
    Held(Failure),
}

impl Worker {
    pub(super) async fn catch_up(&self, tenant: TenantId) -> Ended {
        match self.until_empty(tenant).await {
            Ok(at) => Ended::CaughtUp(at),
            Err(failure) => Ended::Held(failure),
        }
    }

    async fn until_empty(&self, tenant: TenantId) -> Result<Position, Failure> {
        let mut at = self.standing(tenant).await?;
        while !self.shutdown.is_cancelled() {
            let page = match self.feed.page(tenant, at, self.page).await {
                Ok(page) => page,
                Err(Refused::EpochOver { resume }) if resume > at.epoch => {
                    tracing::warn!(%tenant, source = %self.source, epoch = resume, "a restored log starts a new epoch");
                    at = Position {
                        epoch: resume,
                        n: 0,
                    };
                    continue;
                }
                Err(Refused::EpochOver { .. }) => return Err(gap()),
                Err(Refused::Failed(failure)) => return Err(failure),
            };
            let Some(last) = page.events.last().map(position_of) else {
                return Ok(at);
            };
            let mut before = at;
            for event in &page.events {
                let next = position_of(event);
                if !follows(before, next) {
                    return Err(gap());
                }
                before = next;
            }
            self.apply_page(tenant, page.events).await?;
            at = last;
            // What came behind it since is told by a newer head.
            if at == page.head {
                return Ok(at);
            }
        }
        Ok(at)
    }

    async fn apply_page(&self, tenant: TenantId, events: Vec<Event>) -> Result<(), Failure> {
        let source = self.source;
        let mut parked: HashSet<String> = self
            .db
            .read(
                tenant,
                |s| async move { parked::aggregates(&s, source).await },
            )
            .await?;
        let mut left = VecDeque::from([events]);
        while let Some(mut events) = left.pop_front() {
            if self.shutdown.is_cancelled() {
                return Ok(());
            }
            // A run ends before the first event that has to wait behind a parked one.
            let is_parked = |event: &Event| parked.contains(&event.aggregate_id);
            let run = match events.iter().position(is_parked) {
                Some(0) => {
                    let rest = events.split_off(1);
                    left.push_front(rest);
                    self.park(tenant, &events, parked::BEHIND).await?;
                    left.retain(|events| !events.is_empty());
                    continue;
                }
                Some(at) => at,
                None => events.len(),
            };
            let rest = events.split_off(run);
            if !rest.is_empty() {
                left.push_front(rest);
            }
            if let Some(halves) = self.apply_run(tenant, events, &mut parked).await? {
                halves
                    .into_iter()
                    .rev()
                    .for_each(|half| left.push_front(half));
            }
        }
        Ok(())
    }

    /// Applies a run; answers its halves when it failed for good and the guilty event is not alone yet.
    async fn apply_run(
        &self,
        tenant: TenantId,
        mut events: Vec<Event>,
        parked: &mut HashSet<String>,
    ) -> Result<Option<[Vec<Event>; 2]>, Failure> {
        let mut pause = BETWEEN_ATTEMPTS;
        for attempt in 1..=ATTEMPTS {
            let failure = match self.hand_over(tenant, events.clone()).await {
                Ok(()) => return Ok(None),
                Err(failure) if failure.is_transient() => return Err(failure),
                Err(failure) => failure,
            };
            if events.len() > 1 {
                let right = events.split_off(events.len() / 2);
                return Ok(Some([events, right]));
            }
            let event = &events[0];
            if attempt == ATTEMPTS {
                tracing::error!(
                    %tenant, source = %self.source, event = %event.id, kind = %event.r#type,
                    aggregate = %event.aggregate_id, reason = failure.reason, "an event is parked"
                );
                self.park(tenant, &events, failure.reason).await?;
                parked.insert(event.aggregate_id.clone());
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(None)
    }

    async fn hand_over(&self, tenant: TenantId, events: Vec<Event>) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Ok(());
        };
        let mark = Mark::over(self.source, position_of(first), position_of(last));
        // A batch of one trace continues it; one of many has a span of its own, and handlers continue each event's.
        let trace = Some(first.traceparent.as_str()).filter(|trace| {
            !trace.is_empty() && events.iter().all(|event| event.traceparent == *trace)
        });
        let span = telemetry::event_span(&format!("consume {}", self.source), trace);
        let batch = Batch {
            tenant,
            source: self.source,
            events,
            mark,
        };
        let applied = AssertUnwindSafe(self.handler.apply(&batch))
            .catch_unwind()
            .instrument(span)
            .await;
        applied.unwrap_or_else(|_| {
            tracing::error!(%tenant, source = %self.source, "a handler panicked");
            Err(Failure::new(
                Code::Internal,
                "HANDLER_PANICKED",
                "The service failed.",
            ))
        })
    }

    async fn park(&self, tenant: TenantId, events: &[Event], reason: &str) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Ok(());
        };
        let mark = &Mark::over(self.source, position_of(first), position_of(last));
        self.db
            .write(tenant, |s| async move {
                for event in events {
                    parked::park(&s, self.source, event, reason).await?;
                }
                mark.advance(&s).await
            })
            .await
            .map_err(|error: crate::db::Error| Failure::from(error))
    }

    async fn standing(&self, tenant: TenantId) -> Result<Position, Failure> {
        let source = self.source;
        Ok(self
            .db
            .read(tenant, |s| async move { standing(&s, source).await })
            .await?)
    }
}

/// The log promises positions without gaps; anything else is not applied.
fn gap() -> Failure {
    Failure::new(
        Code::Unavailable,
        "LOG_GAP",
        "The log of a neighbour has a gap.",
    )
}
