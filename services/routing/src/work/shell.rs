//! The way to the owner of each tenant: commands in, answers out once they are durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_foundation::id::{AgentId, TenantId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::service::Task;
use rapport_foundation::telemetry::current_traceparent;
use rapport_foundation::time::Clock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::floor::Floor;
use super::lane::{Lane, Submission};
use crate::Config;
use crate::app::Error;
use crate::app::command::{Command, Done};
use crate::app::decide::Asked;
use crate::domain::engine::StreamId;
use crate::store::Store;

/// What every owner works with.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) store: Store,
    pub(super) floor: Floor,
    pub(super) clock: Clock,
    pub(super) config: Config,
    pub(super) shutdown: CancellationToken,
    /// This process, as the lease names it.
    pub(super) owner: Uuid,
}

/// Hands commands to the owners of the tenants, which are made when first needed. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub(crate) struct Shell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    means: Means,
    lanes: Mutex<HashMap<TenantId, mpsc::Sender<Submission>>>,
    tracker: TaskTracker,
}

impl Shell {
    /// A shell and the task that ends with its owners.
    pub(crate) fn start(
        store: Store,
        clock: Clock,
        config: Config,
        shutdown: CancellationToken,
    ) -> std::io::Result<(Self, Task)> {
        let (floor, thread) = Floor::start()?;
        let owner = Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext));
        let means = Means {
            store,
            floor,
            clock,
            config,
            shutdown: shutdown.clone(),
            owner,
        };
        let tracker = TaskTracker::new();
        let lanes = Mutex::new(HashMap::new());
        let shell = Self(Arc::new(Inner {
            means,
            lanes,
            tracker: tracker.clone(),
        }));
        let inner = Arc::downgrade(&shell.0);
        let task = Task::spawn("routing owners", async move {
            shutdown.cancelled().await;
            // Without senders the owners finish what they hold and end.
            if let Some(inner) = inner.upgrade() {
                inner
                    .lanes
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clear();
            }
            tracker.close();
            tracker.wait().await;
            drop(thread);
        });
        Ok((shell, task))
    }

    /// Starts the owner of a tenant, so that what becomes due is decided although nobody calls.
    pub(crate) fn wake(&self, tenant: TenantId) -> Result<(), Error> {
        self.lane(tenant).map(|_| ())
    }

    /// Has a command decided and stored. When the caller goes away meanwhile it still is.
    pub(crate) async fn submit(
        &self,
        tenant: TenantId,
        key: Option<Key>,
        command: Command,
    ) -> Result<Done, Error> {
        let (submission, answered) = submission(key, command);
        self.lane(tenant)?
            .try_send(submission)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Error::Overloaded,
                mpsc::error::TrySendError::Closed(_) => Error::Draining,
            })?;
        answered.await.map_err(|_| Error::Draining)?
    }

    /// Says that a stream has ended. Waits for its place: it must not be lost to overload.
    pub(crate) async fn close_desk(&self, tenant: TenantId, agent: AgentId, stream: StreamId) {
        let (submission, _) = submission(None, Command::CloseDesk { agent, stream });
        if let Ok(lane) = self.lane(tenant) {
            // Nobody is there any more only when we are ending: then every stream has ended.
            let _ = lane.send(submission).await;
        }
    }

    fn lane(&self, tenant: TenantId) -> Result<mpsc::Sender<Submission>, Error> {
        let Inner {
            means,
            lanes,
            tracker,
        } = &*self.0;
        let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if means.shutdown.is_cancelled() {
            return Err(Error::Draining);
        }
        if let Some(lane) = lanes.get(&tenant).filter(|lane| !lane.is_closed()) {
            return Ok(lane.clone());
        }
        let (lane, waiting) = mpsc::channel(means.config.backlog.max(1));
        tracker.spawn(Lane::new(tenant, means.clone(), waiting).run());
        lanes.insert(tenant, lane.clone());
        Ok(lane)
    }
}

fn submission(
    key: Option<Key>,
    command: Command,
) -> (Submission, oneshot::Receiver<Result<Done, Error>>) {
    let (answer, answered) = oneshot::channel();
    let asked = Asked {
        command,
        key,
        traceparent: current_traceparent(),
    };
    (Submission { asked, answer }, answered)
}
