//! One stream of a connector: messages are handed over, and what the connector says of them is taken in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt as _};
use rapport_foundation::bell::Ear;
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{OutboundId, TenantId};
use rapport_foundation::time::Micros;
use tokio::time::Instant;
use uuid::Uuid;

use super::feed::{Ending, Feed, feed};
use super::{App, connector, facts};
use crate::Error;
use crate::domain::OutboundState;
use crate::domain::outbound::{Answer, Said, Taker};
use crate::store::{Asking, Handover, Moved};

/// Messages handed over in one transaction: each may say a megabyte.
const ROUND: usize = 16;
/// Words of a connector that are taken in together.
const TOGETHER: usize = 64;

/// What a connector says.
#[derive(Debug)]
pub(crate) enum Heard {
    /// What it takes.
    Opening {
        /// How many at a time.
        window: usize,
        /// Whether its provider drops a second message with the same key.
        drops_repetitions: bool,
    },
    /// Something of an attempt.
    Report(Report),
    /// Something that cannot be understood, about what it calls by this name.
    Wrong(String, Failure),
}

/// What a connector says of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) id: OutboundId,
    pub(crate) attempt: i32,
    pub(crate) said: Said,
}

/// What a connector is told.
#[derive(Debug)]
pub(crate) enum Spoken {
    /// Something to send.
    Delivery(Box<Handover>, Duration),
    /// It may be given to the provider, and its outcome is waited for so long.
    Confirmed(OutboundId, i32, Micros, Duration),
    /// It must not be given to the provider, as far as this is known; there is no such message without a state.
    Withdrawn(OutboundId, i32, Option<OutboundState>),
    /// What was said is durable.
    Receipt(OutboundId, i32, OutboundState),
    /// What was said cannot be understood.
    Refused(String, Error),
    /// A mere sign of life.
    Alive,
}

impl App {
    /// Hands messages over to a connector until it leaves, does not read, or may not.
    pub(crate) fn deliver(
        self: Arc<Self>,
        ctx: &Context,
        heard: BoxStream<'static, Result<Heard, Failure>>,
    ) -> Result<impl Stream<Item = Result<Spoken, Error>> + Send + use<>, Error> {
        let connector = connector(ctx)?.to_owned();
        let (out, answers) = feed(self.config.slow_reader());
        let mut courier = Courier {
            ear: self.bell.ear(ctx.tenant, &connector),
            tenant: ctx.tenant,
            asking: Asking {
                connector,
                taker: Taker {
                    stream: Uuid::now_v7(),
                    drops_repetitions: false,
                },
                most: 0,
            },
            window: None,
            held: HashMap::new(),
            app: self,
        };
        let expires = ctx.token_expires;
        tokio::spawn(async move {
            let outcome = courier.run(expires, heard, &out).await;
            courier.leave().await;
            out.close(outcome);
        });
        Ok(answers)
    }

    /// Takes in what a connector says of its messages; answers in the same order.
    async fn take_in(
        &self,
        tenant: TenantId,
        connector: &str,
        reports: &[Report],
    ) -> Result<Vec<Spoken>, Error> {
        let pace = self.config.outbound.pace();
        let ids: Vec<OutboundId> = reports.iter().map(|report| report.id).collect();
        let change = |moved: &mut [Moved], now: Micros| -> Result<Vec<Spoken>, Error> {
            let answer = |report: &Report| {
                let Report { id, attempt, said } = report;
                let own =
                    |one: &&mut Moved| one.before.id == *id && one.before.connector == connector;
                let Some(one) = moved.iter_mut().find(own).map(|one| &mut one.after) else {
                    return Spoken::Withdrawn(*id, *attempt, None);
                };
                let chance = rand::random_range(0..=1000);
                match one.hear(*attempt, said, now, &pace, chance) {
                    Answer::Confirmed => {
                        Spoken::Confirmed(*id, *attempt, one.lease_until, pace.lease)
                    }
                    Answer::Withdrawn => Spoken::Withdrawn(*id, *attempt, Some(one.state)),
                    Answer::Noted => Spoken::Receipt(*id, *attempt, one.state),
                    Answer::Unknown => Spoken::Withdrawn(*id, *attempt, None),
                }
            };
            Ok(reports.iter().map(answer).collect())
        };
        self.env
            .db
            .write(tenant, async |s| {
                self.store
                    .move_outbound(&s, &ids, facts::outbound, &change)
                    .await
            })
            .await
    }
}

/// One stream.
struct Courier {
    app: Arc<App>,
    tenant: TenantId,
    asking: Asking,
    /// How many the connector takes at a time, once it has said so.
    window: Option<usize>,
    /// The attempts the connector has, and until when.
    held: HashMap<OutboundId, (i32, Instant)>,
    ear: Ear,
}

impl Courier {
    async fn run(
        &mut self,
        expires: Option<Micros>,
        heard: BoxStream<'static, Result<Heard, Failure>>,
        out: &Feed<Spoken>,
    ) -> Result<(), Ending> {
        let app = Arc::clone(&self.app);
        let (look, heartbeat) = (app.config.outbound.look_every(), app.config.heartbeat());
        let mut heard = heard.ready_chunks(TOGETHER);
        let mut alive = Instant::now();
        let expired = app.env.clock.sleep_until(expires.unwrap_or(Micros::MAX));
        tokio::pin!(expired);
        loop {
            let withdrawn = self.withdraw(out).await?;
            let handed = self.hand_over(out).await?;
            if handed + withdrawn > 0 {
                alive = Instant::now();
            } else if alive.elapsed() >= heartbeat {
                out.tell(Spoken::Alive).await?;
                alive = Instant::now();
            }
            let idle = look.min(heartbeat.saturating_sub(alive.elapsed()));
            let until = self.next_end().map_or(idle, |end| {
                idle.min(end.saturating_duration_since(Instant::now()))
            });
            tokio::select! {
                biased;
                () = out.left() => return Err(Ending::Left),
                () = app.shutdown().cancelled() => return Err(Error::GoingDown.into()),
                () = &mut expired => return Err(Error::TokenExpired.into()),
                said = heard.next() => match said {
                    Some(said) => {
                        self.hear(said, out).await?;
                        alive = Instant::now();
                    }
                    // What nobody can speak of any more is not handed over.
                    None => return Ok(()),
                },
                // While there is more to hand over nothing is waited for.
                () = std::future::ready(()), if handed > 0 => {}
                () = self.ear.rung() => {}
                () = tokio::time::sleep(until) => {}
            }
        }
    }

    /// Hands over what there is room for; answers how many.
    async fn hand_over(&mut self, out: &Feed<Spoken>) -> Result<usize, Ending> {
        let room = self.window.unwrap_or(0).saturating_sub(self.held.len());
        if self.app.shutdown().is_cancelled() {
            return Err(Error::GoingDown.into());
        }
        self.asking.most = room.min(ROUND);
        let pace = self.app.config.outbound.pace();
        let handed = self
            .app
            .store
            .hand_over(self.tenant, &self.asking, &pace, facts::outbound)
            .await
            .map_err(Error::from)?;
        let count = handed.len();
        let end = Instant::now() + pace.lease;
        let mut replaced = Vec::new();
        for one in &handed {
            let held = (one.outbound.attempt, end);
            // The database ended the lease before this clock did.
            if let Some((attempt, _)) = self.held.insert(one.outbound.id, held) {
                replaced.push((one.outbound.id, attempt));
            }
        }
        for (id, attempt) in replaced {
            let over = Spoken::Withdrawn(id, attempt, Some(OutboundState::Queued));
            out.tell(over).await?;
        }
        for one in handed {
            out.tell(Spoken::Delivery(Box::new(one), pace.lease))
                .await?;
        }
        Ok(count)
    }

    /// Withdraws what the connector has had for too long; answers how many.
    async fn withdraw(&mut self, out: &Feed<Spoken>) -> Result<usize, Ending> {
        let now = Instant::now();
        let over = self.held.iter().filter(|(_, (_, end))| *end <= now);
        let over: Vec<(OutboundId, i32)> = over.map(|(id, (attempt, _))| (*id, *attempt)).collect();
        for (id, attempt) in &over {
            self.held.remove(id);
            out.tell(Spoken::Withdrawn(
                *id,
                *attempt,
                Some(OutboundState::Queued),
            ))
            .await?;
        }
        Ok(over.len())
    }

    fn next_end(&self) -> Option<Instant> {
        self.held.values().map(|(_, end)| *end).min()
    }

    async fn hear(
        &mut self,
        said: Vec<Result<Heard, Failure>>,
        out: &Feed<Spoken>,
    ) -> Result<(), Ending> {
        let mut reports = Vec::new();
        for said in said {
            let said = match said {
                Ok(said) => said,
                Err(failure) => {
                    // What was said before is still taken in.
                    self.answer(&reports, out).await?;
                    return Err(Error::from(failure).into());
                }
            };
            match said {
                Heard::Opening {
                    window,
                    drops_repetitions,
                } => {
                    self.window = Some(window);
                    self.asking.taker.drops_repetitions = drops_repetitions;
                }
                _ if self.window.is_none() => return Err(Error::NotOpened.into()),
                Heard::Report(report) => reports.push(report),
                Heard::Wrong(name, failure) => {
                    out.tell(Spoken::Refused(name, failure.into())).await?;
                }
            }
        }
        self.answer(&reports, out).await
    }

    async fn answer(&mut self, reports: &[Report], out: &Feed<Spoken>) -> Result<(), Ending> {
        if reports.is_empty() {
            return Ok(());
        }
        let answers = self
            .app
            .take_in(self.tenant, &self.asking.connector, reports)
            .await?;
        for answer in answers {
            match &answer {
                Spoken::Confirmed(id, attempt, _, lease) => {
                    self.held.insert(*id, (*attempt, Instant::now() + *lease));
                }
                Spoken::Withdrawn(id, attempt, _) | Spoken::Receipt(id, attempt, _)
                    if self.held.get(id).is_some_and(|(held, _)| held == attempt) =>
                {
                    self.held.remove(id);
                }
                _ => {}
            }
            out.tell(answer).await?;
        }
        Ok(())
    }

    /// Puts back what was not accepted.
    async fn leave(&self) {
        if self.held.is_empty() {
            return;
        }
        let (connector, stream) = (&self.asking.connector, self.asking.taker.stream);
        let store = &self.app.store;
        let put_back = store.abandon(self.tenant, connector, stream, facts::outbound);
        match put_back.await {
            Ok(()) => self.app.bell.ring(self.tenant, connector),
            // Their leases end.
            Err(error) => tracing::warn!(%error, "what a stream had is not put back at once"),
        }
    }
}
