//! What a service's `LogService` answers, whatever its package; [`crate::log_service!`] puts the package around it.

use std::time::Duration;

use futures::Stream;
use rapport_proto::events::v1 as pb;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::bus::{Head, Position};
use super::log::{Log, newest};
use crate::context::{Context, PrincipalKind};
use crate::db::Database;
use crate::error::{Code, Failure};
use crate::service::Env;

/// Events in an answer when the reader does not say, and at most.
const PAGE: (u32, u32) = (256, 1000);
/// How long a reader may wait for the first event.
const LONGEST_WAIT_MS: i32 = 20_000;
/// Heads in one message.
const HEADS: usize = 500;

/// The log of one service, as its `LogService` shows it.
#[derive(Debug, Clone)]
pub struct LogEndpoint {
    log: Log,
    db: Database,
    shutdown: CancellationToken,
}

/// A message of `WatchHeads`: the heads, and whether they belong to the first answer.
pub type Heads = (Vec<pb::LogHead>, bool);

impl LogEndpoint {
    /// The log of the service opened with `env`.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        Self {
            log: Log::new(env.db.clone()),
            db: env.db.clone(),
            shutdown: env.shutdown.clone(),
        }
    }

    /// `ReadLog`: the caller's tenant's events behind `after`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, or `OUT_OF_RANGE` for a position that is not in the log.
    pub async fn read(
        &self,
        ctx: &Context,
        after: Option<pb::Position>,
        page_size: i32,
        wait_ms: i32,
    ) -> Result<(Vec<pb::Event>, pb::Position), Failure> {
        let mut c = crate::check::Check::new();
        let after = after.map(Position::from).unwrap_or_default();
        c.require(
            after.epoch >= 0 && after.n >= 0,
            "after",
            "OUT_OF_RANGE",
            "is negative",
        );
        let limit = c.page_size(page_size, PAGE.0, PAGE.1);
        let wait_ms = c.number("wait_ms", wait_ms, 0..=LONGEST_WAIT_MS);
        c.done(())?;
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
        let deadline = tokio::time::Instant::now() + wait;
        let mut moves = self.db.bus().watch();
        loop {
            let (events, head) = self.log.read(ctx.tenant, after, limit).await?;
            if !events.is_empty() || tokio::time::Instant::now() >= deadline {
                return Ok((events, head.into()));
            }
            tokio::select! {
                () = moved(&mut moves, ctx) => {}
                () = tokio::time::sleep_until(deadline) => {}
                () = self.shutdown.cancelled() => return Ok((events, head.into())),
            }
        }
    }

    /// `WatchHeads`: all tenants' heads now, then those that move. For services only.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for anyone but a service.
    pub fn watch(
        &self,
        ctx: &Context,
    ) -> Result<impl Stream<Item = Result<Heads, Failure>> + Send + 'static, Failure> {
        if ctx.kind != PrincipalKind::Service {
            return Err(Failure::new(
                Code::PermissionDenied,
                "SERVICES_ONLY",
                "Only services may watch all heads.",
            ));
        }
        let (tx, rx) = mpsc::channel(16);
        let endpoint = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = endpoint.feed(&tx).await {
                // The watcher may be gone already.
                let _ = tx.send(Err(failure)).await;
            }
        });
        Ok(ReceiverStream::new(rx))
    }

    async fn feed(&self, out: &mpsc::Sender<Result<Heads, Failure>>) -> Result<(), Failure> {
        let mut moves = self.db.bus().watch();
        loop {
            // Listening first: a head that moves while all are read is told twice rather than never.
            let all = self.log.heads().await?;
            if send(out, all, true).await.is_none() {
                return Ok(());
            }
            loop {
                let first = tokio::select! {
                    moved = moves.recv() => moved,
                    () = out.closed() => return Ok(()),
                    () = self.shutdown.cancelled() => {
                        return Err(Failure::new(Code::Unavailable, "DRAINING", "The service is shutting down."));
                    }
                };
                match first {
                    Ok(head) => {
                        let heads = std::iter::once(head)
                            .chain(std::iter::from_fn(|| moves.try_recv().ok()));
                        let heads = newest(heads.take(HEADS).collect::<Vec<_>>());
                        if send(out, heads, false).await.is_none() {
                            return Ok(());
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                }
            }
        }
    }
}

async fn moved(moves: &mut broadcast::Receiver<Head>, ctx: &Context) {
    loop {
        match moves.recv().await {
            Ok(head) if head.tenant != ctx.tenant => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Sends heads in messages of bounded size; at least one, so that a watcher knows the first answer is complete.
async fn send(
    out: &mpsc::Sender<Result<Heads, Failure>>,
    heads: Vec<Head>,
    initial: bool,
) -> Option<()> {
    let heads: Vec<pb::LogHead> = heads
        .into_iter()
        .map(|head| pb::LogHead {
            tenant_id: head.tenant.to_string(),
            head: Some(head.position.into()),
        })
        .collect();
    if heads.is_empty() {
        return out.send(Ok((heads, initial))).await.ok();
    }
    for chunk in heads.chunks(HEADS) {
        out.send(Ok((chunk.to_vec(), initial))).await.ok()?;
    }
    Some(())
}

/// The `LogService` of one package, to be added to the service's routes:
/// `routes.add_service(foundation::log_service!(profiles, &env))`. The crate using it names rapport-proto, tonic
/// and futures.
#[macro_export]
macro_rules! log_service {
    ($package:ident, $env:expr) => {{
        use ::rapport_proto::$package::v1 as api;
        use $crate::events::reexport::{StreamExt as _, tonic};

        struct Served($crate::events::LogEndpoint);

        #[tonic::async_trait]
        impl api::log_service_server::LogService for Served {
            async fn read_log(
                &self,
                request: tonic::Request<api::ReadLogRequest>,
            ) -> Result<tonic::Response<api::ReadLogResponse>, tonic::Status> {
                let ctx = $crate::context::Context::of(&request)?;
                let asked = request.into_inner();
                let (events, head) = self
                    .0
                    .read(&ctx, asked.after, asked.page_size, asked.wait_ms)
                    .await?;
                Ok(tonic::Response::new(api::ReadLogResponse {
                    events,
                    head: Some(head),
                }))
            }

            type WatchHeadsStream = ::std::pin::Pin<
                Box<
                    dyn $crate::events::reexport::Stream<
                            Item = Result<api::WatchHeadsResponse, tonic::Status>,
                        > + Send,
                >,
            >;

            async fn watch_heads(
                &self,
                request: tonic::Request<api::WatchHeadsRequest>,
            ) -> Result<tonic::Response<Self::WatchHeadsStream>, tonic::Status> {
                let ctx = $crate::context::Context::of(&request)?;
                let heads = self.0.watch(&ctx)?.map(|heads| match heads {
                    Ok((heads, initial)) => Ok(api::WatchHeadsResponse { heads, initial }),
                    Err(failure) => Err(tonic::Status::from(failure)),
                });
                Ok(tonic::Response::new(Box::pin(heads)))
            }
        }

        api::log_service_server::LogServiceServer::new(Served($crate::events::LogEndpoint::new(
            $env,
        )))
        .max_decoding_message_size($crate::service::MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size($crate::service::MESSAGE_LIMIT_BYTES)
    }};
}
