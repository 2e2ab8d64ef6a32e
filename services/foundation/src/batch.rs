//! The batcher: many callers, one transaction.
//!
//! A lane takes what is waiting, never waits for more (the running commit is the collecting time), runs it as one
//! batch and answers each caller. Throughput comes from batching, never from answering early. A batch runs in a
//! task of its own, so that neither a panic nor a caller that went away can hurt a lane.

mod queue;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::error::{Code, Failure};
use crate::id::TenantId;
use crate::service::Task;
use queue::{Queue, Waiting};

/// The limits of one batcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchConfig {
    /// Commands in one batch.
    pub most: u32,
    /// Commands waiting, of all tenants; beyond it callers are refused at once.
    pub queue: u32,
    /// Batches running at the same time. More than one gives up the order of commands of one tenant.
    pub lanes: u32,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            most: 256,
            queue: 8_192,
            lanes: 1,
        }
    }
}

type Work<C, R, E> =
    dyn Fn(Vec<C>) -> BoxFuture<'static, Result<Vec<Result<R, E>>, E>> + Send + Sync;

/// Collects commands into batches; cheap to clone. Commands are cloned when a batch has to be halved: keep what is
/// big in an `Arc`.
pub struct Batcher<C, R, E> {
    queue: Arc<Queue<C, Result<R, E>>>,
}

impl<C, R, E> Clone for Batcher<C, R, E> {
    fn clone(&self) -> Self {
        Self {
            queue: Arc::clone(&self.queue),
        }
    }
}

impl<C, R, E> Batcher<C, R, E>
where
    C: Clone + Send + 'static,
    R: Send + 'static,
    E: From<Failure> + Into<Failure> + Send + 'static,
{
    /// Starts the lanes. `work` runs one batch in one transaction and answers each command in order, or fails as a
    /// whole, without any effect. The task ends after [`Batcher::close`], when everything is answered.
    pub fn spawn<F, Fut>(name: &'static str, limits: &BatchConfig, work: F) -> (Self, Task)
    where
        F: Fn(Vec<C>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Result<R, E>>, E>> + Send + 'static,
    {
        let work: Arc<Work<C, R, E>> = Arc::new(move |commands| Box::pin(work(commands)));
        let queue = Arc::new(Queue::new(limits.queue as usize));
        let most = limits.most.max(1) as usize;
        let lanes: Vec<_> = (0..limits.lanes.max(1))
            .map(|_| tokio::spawn(lane(Arc::clone(&queue), Arc::clone(&work), most)))
            .collect();
        let task = Task::spawn(name, async move {
            for lane in lanes {
                // A lane cannot panic: batches run in tasks of their own.
                let _ = lane.await;
            }
        });
        (Self { queue }, task)
    }

    /// Hands in one command and waits for its answer. Dropping the call does not stop the command.
    ///
    /// # Errors
    /// The command's own error; `RESOURCE_EXHAUSTED` when too much is waiting; `UNAVAILABLE` when the batch
    /// panicked or the batcher is closed (the outcome is then unknown: repeat with the same key).
    pub async fn submit(&self, tenant: TenantId, command: C) -> Result<R, E> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .push(tenant, Waiting { command, answer })
            .map_err(E::from)?;
        answered.await.unwrap_or_else(|_| Err(E::from(lost())))
    }

    /// Refuses new commands; those waiting are still run.
    pub fn close(&self) {
        self.queue.close();
    }

    /// How many commands are waiting.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

async fn lane<C, R, E>(queue: Arc<Queue<C, Result<R, E>>>, work: Arc<Work<C, R, E>>, most: usize)
where
    C: Clone + Send + 'static,
    R: Send + 'static,
    E: From<Failure> + Into<Failure> + Send + 'static,
{
    while let Some(batch) = queue.take(most).await {
        run(&work, batch).await;
    }
}

/// Runs a batch; one that fails for good is halved until the guilty command is alone.
async fn run<C, R, E>(work: &Arc<Work<C, R, E>>, batch: Vec<Waiting<C, Result<R, E>>>)
where
    C: Clone + Send + 'static,
    R: Send + 'static,
    E: From<Failure> + Into<Failure> + Send + 'static,
{
    let mut left = vec![batch];
    while let Some(mut batch) = left.pop() {
        let commands: Vec<C> = batch
            .iter()
            .map(|waiting| waiting.command.clone())
            .collect();
        let outcome = tokio::spawn(work(commands)).await;
        let failure = match outcome {
            Ok(Ok(answers)) if answers.len() == batch.len() => {
                for (waiting, answer) in batch.into_iter().zip(answers) {
                    // The caller may have gone away; what it asked for is done.
                    let _ = waiting.answer.send(answer);
                }
                continue;
            }
            Ok(Ok(_)) => {
                // The effects are there and cannot be told apart: repeating with the same keys finds them.
                refuse(batch, &lost());
                continue;
            }
            Ok(Err(error)) if batch.len() == 1 => {
                if let Some(waiting) = batch.pop() {
                    let _ = waiting.answer.send(Err(error));
                }
                continue;
            }
            Ok(Err(error)) => error.into(),
            Err(panic) => {
                tracing::error!(commands = batch.len(), error = %panic, "a batch panicked");
                lost().caused_by(panic)
            }
        };
        let panicked = failure.reason == LOST;
        if batch.len() == 1 || (failure.is_transient() && !panicked) {
            refuse(batch, &failure);
            continue;
        }
        let right = batch.split_off(batch.len() / 2);
        left.push(right);
        left.push(batch);
    }
}

fn refuse<C, R, E: From<Failure>>(batch: Vec<Waiting<C, Result<R, E>>>, failure: &Failure) {
    for waiting in batch {
        let _ = waiting.answer.send(Err(E::from(failure.clone())));
    }
}

const LOST: &str = "OUTCOME_UNKNOWN";

fn lost() -> Failure {
    Failure::new(
        Code::Unavailable,
        LOST,
        "The outcome is unknown; repeat the call with the same key.",
    )
}

#[cfg(test)]
mod tests;
