//! Waiting for the end, and ending in bounded time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Readiness;

/// Something that runs until shutdown.
#[derive(Debug)]
pub struct Task {
    /// What it is, for the log.
    pub name: &'static str,
    /// Its handle; every one is joined.
    pub handle: JoinHandle<()>,
    /// How much longer than the others it may take to end.
    grace: Duration,
}

impl Task {
    /// Starts it.
    pub fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Task {
            name,
            handle: tokio::spawn(work),
            grace: Duration::ZERO,
        }
    }

    /// One that has something to put away when all others are over, or were cut off: it gets so much time of its own.
    #[must_use]
    pub fn at_last(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

/// Section `drain` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrainConfig {
    /// How long calls are still taken after readiness is gone, in milliseconds, so that balancers notice.
    /// Zero suits a process nobody balances to; a few seconds suit Kubernetes.
    pub announce_ms: u64,
    /// How long running calls and workers may take to end, in milliseconds. Below the supervisor's own
    /// patience (30 s in Kubernetes) less five seconds: then what was cut off is still written to the audit trail.
    pub limit_ms: u64,
}

impl Default for DrainConfig {
    fn default() -> Self {
        DrainConfig {
            announce_ms: 0,
            limit_ms: 15_000,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It was asked to, and everything ended in time.
    Cleanly,
    /// It was asked to, and these tasks had to be cut off.
    CutOff(Vec<&'static str>),
    /// This task ended by itself or panicked, so the rest was ended too.
    Failed(&'static str),
}

/// Returns when the process is asked to end: SIGTERM, or SIGINT from a terminal.
pub async fn termination() {
    use tokio::signal::unix::{SignalKind, signal};
    match (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
        }
        // Without handlers the system's own way of ending a process is in force.
        _ => std::future::pending().await,
    }
}

/// Waits until `asked` or until a task ends by itself, then: not ready → announce → cancel `shutdown` →
/// join every task within the limit → cut off the rest. `readiness` must be set by the caller before.
pub async fn run(
    mut tasks: Vec<Task>,
    asked: impl Future<Output = ()>,
    readiness: &Readiness,
    shutdown: &CancellationToken,
    config: &DrainConfig,
) -> Stopped {
    let failed = tokio::select! {
        () = asked => None,
        () = shutdown.cancelled() => None,
        name = any_ended(&mut tasks) => Some(name),
    };
    match failed {
        Some(task) => tracing::error!(task, "a task ended by itself; stopping"),
        None => tracing::info!("stopping"),
    }
    readiness.not_ready().await;
    if failed.is_none() && !shutdown.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(config.announce_ms)).await;
    }
    shutdown.cancel();
    let late = join(tasks, Duration::from_millis(config.limit_ms)).await;
    match failed {
        Some(name) => Stopped::Failed(name),
        None if late.is_empty() => Stopped::Cleanly,
        None => Stopped::CutOff(late),
    }
}

/// The name of the first task that ends; it is taken out of the list.
async fn any_ended(tasks: &mut Vec<Task>) -> &'static str {
    let ended = futures::future::poll_fn(|cx| {
        for (at, task) in tasks.iter_mut().enumerate() {
            if let std::task::Poll::Ready(end) = std::pin::Pin::new(&mut task.handle).poll(cx) {
                return std::task::Poll::Ready((at, end));
            }
        }
        std::task::Poll::Pending
    });
    let (at, end) = ended.await;
    let task = tasks.swap_remove(at);
    if let Err(error) = end {
        tracing::error!(task = task.name, %error, "a task panicked");
    }
    task.name
}

/// Joins every task; the names of those that had to be cut off.
async fn join(mut tasks: Vec<Task>, limit: Duration) -> Vec<&'static str> {
    let until = Instant::now() + limit;
    let mut late = Vec::new();
    tasks.sort_by_key(|task| task.grace);
    for task in tasks {
        let Task {
            name,
            mut handle,
            grace,
        } = task;
        match tokio::time::timeout_at(until + grace, &mut handle).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::error!(task = name, %error, "a task panicked while ending"),
            Err(_) => {
                tracing::warn!(task = name, "a task did not end in time and is cut off");
                handle.abort();
                // Aborted tasks end at their next await; joining them here keeps what they hold from
                // being dropped later than this function.
                let _ = tokio::time::timeout(Duration::from_secs(1), handle).await;
                late.push(name);
            }
        }
    }
    late
}
