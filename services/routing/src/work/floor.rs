//! The engines' own thread. What is decided here waits for nothing but the processor, and no
//! task of the runtime waits behind a long decision.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::thread;

use rapport_foundation::id::TenantId;
use tokio::sync::{mpsc, oneshot};

use crate::app::decide::Tenant;

/// Decisions that may wait. Each tenant has at most one on its way, so this bounds tenants.
const BACKLOG: usize = 1_024;

type Engines = HashMap<TenantId, Tenant>;
type Job = Box<dyn FnOnce(&mut Engines) + Send>;

/// The way to the engines' thread.
#[derive(Clone, Debug)]
pub(super) struct Floor(mpsc::Sender<Job>);

/// The thread has ended, the tenant has no engine, or the decision panicked.
#[derive(Debug)]
pub(super) struct Gone;

impl Floor {
    /// Starts the thread; it ends when the last handle is dropped.
    pub(super) fn start() -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(BACKLOG);
        let thread = thread::Builder::new()
            .name("routing-engine".into())
            .spawn(move || {
                let mut engines = Engines::new();
                while let Some(job) = waiting.blocking_recv() {
                    job(&mut engines);
                }
            })?;
        Ok((Self(jobs), thread))
    }

    /// Gives a tenant an engine.
    pub(super) async fn seat(&self, tenant: TenantId, engine: Tenant) -> Result<(), Gone> {
        self.run(move |engines| {
            engines.insert(tenant, engine);
        })
        .await
    }

    /// Takes a tenant's engine away.
    pub(super) async fn clear(&self, tenant: TenantId) {
        // When the thread is gone so is the engine.
        let _ = self
            .run(move |engines| {
                engines.remove(&tenant);
            })
            .await;
    }

    /// Decides on a tenant's engine. When it panics the engine is gone: what it holds cannot be
    /// trusted any more.
    pub(super) async fn decide<R: Send + 'static>(
        &self,
        tenant: TenantId,
        decide: impl FnOnce(&mut Tenant) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let decided = self
            .run(move |engines| {
                let engine = engines.get_mut(&tenant)?;
                match std::panic::catch_unwind(AssertUnwindSafe(|| decide(engine))) {
                    Ok(decided) => Some(decided),
                    Err(_) => {
                        tracing::error!(%tenant, "a routing decision panicked");
                        engines.remove(&tenant);
                        None
                    }
                }
            })
            .await?;
        decided.ok_or(Gone)
    }

    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engines) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |engines| {
            // Whoever asked may have gone.
            let _ = answer.send(work(engines));
        });
        self.0.send(job).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }
}
