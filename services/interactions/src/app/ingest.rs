//! Logging many contacts of one stream: each acknowledged once durable, in any order; never more of them in memory
//! than the limits say.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered, Stream, StreamExt as _};
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::time::Micros;

use super::feed::{Ending, Feed, feed};
use super::{App, connector};
use crate::Error;
use crate::domain::{Contact, Fact, Numbers};
use crate::store::Outcome;
use crate::work::Held;

/// One item as it came in.
pub(crate) struct Item {
    /// The number its acknowledgement carries.
    pub(crate) sequence: i64,
    /// Its size as it came over the wire.
    pub(crate) bytes: usize,
    /// What was said, or what is wrong with it.
    pub(crate) said: Result<Said, Failure>,
}

/// What an item says.
pub(crate) enum Said {
    /// A contact.
    Contact(Contact),
    /// What became known of one.
    Fact(Fact),
}

/// An item that has room, and what becomes of numbers in it.
struct Ready {
    held: Held,
    numbers: Result<Numbers, Error>,
    item: Item,
}

/// Refusals of one upload that are told one by one.
const REFUSALS: usize = 100;

/// What became of all items of an upload.
#[derive(Default)]
pub(crate) struct Uploaded {
    pub(crate) logged: i64,
    pub(crate) duplicates: i64,
    pub(crate) refused: i64,
    /// The first of the refused, by their numbers.
    pub(crate) refusals: Vec<(i64, Error)>,
}

/// What became of one item.
pub(crate) struct Acknowledgement {
    /// Its number.
    pub(crate) sequence: i64,
    /// The interaction, when there is one, and whether the item had been logged before.
    pub(crate) outcome: Result<(Option<InteractionId>, bool), Error>,
}

impl App {
    /// Logs the items of a stream. A wrong item is refused and the stream goes on.
    pub(crate) fn ingest(
        self: Arc<Self>,
        ctx: &Context,
        items: BoxStream<'static, Result<Item, Failure>>,
    ) -> Result<impl Stream<Item = Result<Acknowledgement, Error>> + Send + use<>, Error> {
        let connector = connector(ctx)?.to_owned();
        let (out, answers) = feed(self.config.slow_reader());
        let (tenant, expires) = (ctx.tenant, ctx.token_expires);
        tokio::spawn(async move {
            let outcome = self.pump(tenant, &connector, expires, items, &out).await;
            out.close(outcome);
        });
        Ok(answers)
    }

    async fn pump(
        &self,
        tenant: TenantId,
        connector: &str,
        expires: Option<Micros>,
        mut items: BoxStream<'static, Result<Item, Failure>>,
        out: &Feed<Acknowledgement>,
    ) -> Result<(), Ending> {
        let mut waiting = FuturesUnordered::new();
        // One item at most is here without room for it; while it waits nothing more is read.
        let mut unroomed: Option<BoxFuture<'_, Ready>> = None;
        let expired = self.env.clock.sleep_until(expires.unwrap_or(Micros::MAX));
        tokio::pin!(expired);
        // Set once nothing more is read: what was read is still acknowledged.
        let mut end: Option<Result<(), Error>> = None;
        loop {
            tokio::select! {
                biased;
                Some(acknowledgement) = waiting.next() => out.tell(acknowledgement).await?,
                () = out.left(), if end.is_none() => return Err(Ending::Left),
                () = self.shutdown().cancelled(), if end.is_none() => end = Some(Err(Error::GoingDown)),
                () = &mut expired, if end.is_none() => end = Some(Err(Error::TokenExpired)),
                ready = roomed(&mut unroomed), if unroomed.is_some() => {
                    unroomed = None;
                    waiting.push(self.acknowledge(tenant, connector, ready));
                }
                item = items.next(), if end.is_none() && unroomed.is_none() && waiting.len() < self.config.stream_in_flight => match item {
                    Some(Ok(item)) => unroomed = Some(Box::pin(async move {
                        let held = self.recorder.room().take(item.bytes).await;
                        let numbers = self.recorder.numbers(tenant).await;
                        Ready { held, numbers, item }
                    })),
                    Some(Err(failure)) => end = Some(Err(failure.into())),
                    None => end = Some(Ok(())),
                },
                else => break,
            }
            if waiting.is_empty() && unroomed.is_none() && end.is_some() {
                break;
            }
        }
        end.unwrap_or(Ok(())).map_err(Ending::from)
    }

    /// Logs one item, whose room it gives back with the answer.
    async fn acknowledge(
        &self,
        tenant: TenantId,
        connector: &str,
        ready: Ready,
    ) -> Acknowledgement {
        let Ready {
            held: _held,
            numbers,
            item,
        } = ready;
        let Item { sequence, said, .. } = item;
        let outcome = match (said, numbers) {
            (Err(failure), _) => Err(failure.into()),
            (_, Err(error)) => Err(error),
            (Ok(Said::Contact(contact)), Ok(numbers)) => {
                let logged = self.log_item(tenant, connector, contact, numbers).await;
                logged.map(|(id, duplicate)| (Some(id), duplicate))
            }
            (Ok(Said::Fact(fact)), Ok(numbers)) => {
                self.log_fact(tenant, connector, fact, numbers).await
            }
        };
        Acknowledgement { sequence, outcome }
    }

    async fn log_item(
        &self,
        tenant: TenantId,
        connector: &str,
        contact: Contact,
        numbers: Numbers,
    ) -> Result<(InteractionId, bool), Error> {
        let telling = self.recorder.telling(tenant, connector, contact, numbers);
        let telling = Arc::new(telling);
        match self.recorder.record(Arc::clone(&telling)).await? {
            Outcome::Fresh(_) => Ok((telling.id, false)),
            Outcome::Duplicate(first) => Ok((first, true)),
            Outcome::Conflict(first) => Err(self.conflict(&telling, first).await),
            Outcome::NamesNoMedia(id) => Err(Error::NamesNoMedia(id)),
        }
    }

    /// Logs the items of a stream, numbered in their order, and answers once.
    pub(crate) async fn upload(
        self: Arc<Self>,
        ctx: &Context,
        items: BoxStream<'static, Result<Item, Failure>>,
    ) -> Result<Uploaded, Error> {
        let mut answers = std::pin::pin!(self.ingest(ctx, items)?);
        let mut uploaded = Uploaded::default();
        while let Some(answer) = answers.next().await {
            let Acknowledgement { sequence, outcome } = answer?;
            match outcome {
                Ok((_, false)) => uploaded.logged += 1,
                Ok((_, true)) => uploaded.duplicates += 1,
                // What will pass when it is sent again fails the call: nobody reads each refusal to do so.
                Err(error) if Failure::from(error.clone()).is_transient() => return Err(error),
                Err(error) => {
                    uploaded.refused += 1;
                    uploaded.refusals.push((sequence, error));
                    // The first by number, whatever the order they were refused in.
                    uploaded.refusals.sort_by_key(|(number, _)| *number);
                    uploaded.refusals.truncate(REFUSALS);
                }
            }
        }
        Ok(uploaded)
    }
}

/// Whichever item waits for room, once it has it.
async fn roomed(waiting: &mut Option<BoxFuture<'_, Ready>>) -> Ready {
    match waiting {
        Some(waiting) => waiting.await,
        None => std::future::pending().await,
    }
}
