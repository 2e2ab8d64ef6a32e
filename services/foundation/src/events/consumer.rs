//! The consumer of one source: hears which tenants' logs moved and has them caught up, each on its own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rapport_proto::profiles::v1::WatchHeadsResponse;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bus::Position;
use super::feed::Feed;
use super::mark::Handler;
use super::tenant_worker::{Ended, Worker};
use crate::error::{Code, Failure};
use crate::id::TenantId;
use crate::role::Role;
use crate::service::{Env, Task};

/// How a consumer works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsumerConfig {
    /// Events in one batch, and thus in one transaction.
    pub batch: u32,
    /// Tenants caught up at the same time: a slow or poisoned one takes one place at most, and leaves it while it
    /// waits to be tried again.
    pub workers: u32,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            batch: 256,
            workers: 8,
        }
    }
}

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// Consumes another service's log.
pub struct Consumer {
    worker: Arc<Worker>,
    places: usize,
    shutdown: CancellationToken,
    /// The newest known head of each tenant's log.
    heads: HashMap<TenantId, Position>,
    /// Up to where each was read: a head that is there already wakes nobody.
    reached: HashMap<TenantId, Position>,
    ready: VecDeque<TenantId>,
    /// In `ready`, or running, or held.
    waiting: HashSet<TenantId>,
    held: HashMap<TenantId, (Instant, Duration)>,
    running: JoinSet<(TenantId, Position, Ended)>,
}

impl Consumer {
    /// Consumes the log of `source` until shutdown.
    pub fn spawn(env: &Env, source: Role, handler: Arc<dyn Handler>) -> Task {
        Self::spawn_with(env, source, handler, &ConsumerConfig::default())
    }

    /// The same with other settings.
    pub fn spawn_with(
        env: &Env,
        source: Role,
        handler: Arc<dyn Handler>,
        config: &ConsumerConfig,
    ) -> Task {
        let worker = Worker {
            db: env.db.clone(),
            feed: Feed::new(env.caller(source), source),
            source,
            handler,
            page: config.batch.clamp(1, 1000),
            shutdown: env.shutdown.clone(),
        };
        let consumer = Self {
            worker: Arc::new(worker),
            places: usize::try_from(config.workers.max(1)).unwrap_or(1),
            shutdown: env.shutdown.clone(),
            heads: HashMap::new(),
            reached: HashMap::new(),
            ready: VecDeque::new(),
            waiting: HashSet::new(),
            held: HashMap::new(),
            running: JoinSet::new(),
        };
        Task::spawn("event consumer", consumer.run())
    }

    async fn run(mut self) {
        let mut pause = PAUSES.0;
        let mut reported = false;
        let shutdown = self.shutdown.clone();
        while !self.shutdown.is_cancelled() {
            match self.follow().await {
                Ok(()) => {
                    pause = PAUSES.0;
                    reported = false;
                }
                Err(failure) => {
                    if pause > PAUSES.0 * 16 && !reported {
                        tracing::warn!(source = %self.worker.source, %failure, "a neighbour's log cannot be followed");
                        reported = true;
                    }
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
            // What is known already goes on while the stream is being opened again.
            let again = Instant::now() + jittered(pause);
            while Instant::now() < again && !self.shutdown.is_cancelled() {
                self.start_workers();
                tokio::select! {
                    () = tokio::time::sleep_until(again) => {}
                    () = self.progress() => {}
                    () = shutdown.cancelled() => {}
                }
            }
        }
        // Workers look at the same token between their transactions.
        while self.running.join_next().await.is_some() {}
    }

    /// Follows the heads of the source until the stream ends; fails when it could not even be opened.
    async fn follow(&mut self) -> Result<(), Failure> {
        let (feed, shutdown) = (self.worker.feed.clone(), self.shutdown.clone());
        let opening = feed.heads();
        let mut stream = tokio::select! {
            stream = opening => stream?,
            () = shutdown.cancelled() => return Ok(()),
        };
        loop {
            self.start_workers();
            tokio::select! {
                message = stream.message() => match message {
                    Ok(Some(message)) => self.hear(message),
                    Ok(None) | Err(_) => return Ok(()),
                },
                () = self.progress() => {}
                () = shutdown.cancelled() => return Ok(()),
            }
        }
    }

    fn hear(&mut self, message: WatchHeadsResponse) {
        for head in message.heads {
            let (Ok(tenant), Some(at)) = (
                head.tenant_id.parse::<TenantId>(),
                head.head.map(Position::from),
            ) else {
                tracing::warn!(source = %self.worker.source, "a head without tenant or position");
                continue;
            };
            let known = self.heads.insert(tenant, at);
            if known != Some(at) && self.reached.get(&tenant) != Some(&at) {
                self.enqueue(tenant);
            }
        }
    }

    fn enqueue(&mut self, tenant: TenantId) {
        if self.waiting.insert(tenant) {
            self.ready.push_back(tenant);
        }
    }

    fn start_workers(&mut self) {
        let now = Instant::now();
        let due: Vec<TenantId> = self
            .held
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .map(|(tenant, _)| *tenant)
            .collect();
        for tenant in due {
            // The pause is kept until the tenant gets through, so that the next one is longer.
            if let Some((at, _)) = self.held.get_mut(&tenant) {
                *at = now + Duration::from_secs(3600 * 24);
            }
            self.ready.push_back(tenant);
        }
        while self.running.len() < self.places {
            let Some(tenant) = self.ready.pop_front() else {
                return;
            };
            let (worker, head) = (
                Arc::clone(&self.worker),
                self.heads.get(&tenant).copied().unwrap_or_default(),
            );
            self.running.spawn(async move {
                let ended = AssertUnwindSafe(worker.catch_up(tenant))
                    .catch_unwind()
                    .await;
                (
                    tenant,
                    head,
                    ended.unwrap_or_else(|_| Ended::Held(panicked())),
                )
            });
        }
    }

    /// Returns when a worker has ended or a held tenant is due.
    async fn progress(&mut self) {
        let due = self.held.values().map(|(at, _)| *at).min();
        let sleep = async {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            Some(ended) = self.running.join_next() => ended,
            () = sleep => return,
        };
        // Panics are caught inside, and nothing aborts a worker.
        let Ok((tenant, head, ended)) = ended else {
            return;
        };
        match ended {
            Ended::CaughtUp(at) => {
                self.held.remove(&tenant);
                self.waiting.remove(&tenant);
                self.reached.insert(tenant, at);
                let newer = |now: &Position| *now != head && *now != at;
                if self.heads.get(&tenant).is_some_and(newer) {
                    self.enqueue(tenant);
                }
            }
            Ended::Held(failure) => {
                let longest = failure.passes_within().unwrap_or(PAUSES.1).min(PAUSES.1);
                let pause = self
                    .held
                    .get(&tenant)
                    .map_or(PAUSES.0, |(_, pause)| (*pause * 2).min(longest));
                if pause >= PAUSES.0 * 16 {
                    tracing::warn!(%tenant, source = %self.worker.source, %failure, "a tenant's events are held up");
                }
                self.held
                    .insert(tenant, (Instant::now() + jittered(pause), pause));
            }
        }
    }
}

fn panicked() -> Failure {
    Failure::new(Code::Internal, "WORKER_PANICKED", "The service failed.")
}

/// Between half and all of it, so that many do not come back at once.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}
