//! The way to the owner of each tenant: commands in, answers out once they are durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rapport_foundation::bell::{Bell, Ear};
use rapport_foundation::channel::{Channel, Neighbours};
use rapport_foundation::db;
use rapport_foundation::id::{AgentId, TenantId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::service::Task;
use rapport_foundation::telemetry::current_traceparent;
use rapport_foundation::time::Clock;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::floor::Floor;
use super::lane::{Lane, Submission};
use super::tenure::Tenure;
use crate::Config;
use crate::app::Error;
use crate::app::command::{Command, Done};
use crate::app::decide::Asked;
use crate::domain::engine::StreamId;
use crate::store::Store;

/// For how long it is believed who owns a tenant: calls of a busy one need not each ask the database. And how long the
/// database may take to say it.
const BELIEVED: Duration = Duration::from_millis(500);

/// What every owner works with.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) store: Store,
    pub(super) floor: Floor,
    pub(super) clock: Clock,
    pub(super) config: Config,
    pub(super) shutdown: CancellationToken,
    pub(super) tenure: Tenure,
    pub(super) bell: Bell,
}

/// Where a tenant's calls are decided.
pub(crate) enum Place {
    /// Here.
    Here,
    /// By the process at the other end.
    There(Channel),
}

/// What was known of a tenant's owner: where it is reached, and when that was asked.
type Belief = (String, Instant);

/// Hands commands to the owners of the tenants, which are made when first needed. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub(crate) struct Shell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    means: Means,
    neighbours: Neighbours,
    lanes: Mutex<HashMap<TenantId, mpsc::Sender<Submission>>>,
    owners: Mutex<HashMap<TenantId, Belief>>,
    tracker: TaskTracker,
}

impl Shell {
    /// A shell, and the tasks that end with its owners.
    pub(crate) async fn start(
        store: Store,
        clock: Clock,
        config: Config,
        neighbours: Neighbours,
        shutdown: CancellationToken,
    ) -> Result<(Self, Vec<Task>), StartError> {
        let (floor, thread) = Floor::start()?;
        let tenure = Tenure::begin(store.clone(), config.advertise.clone(), config.lease()).await?;
        let means = Means {
            store,
            floor,
            clock,
            config,
            shutdown: shutdown.clone(),
            tenure: tenure.clone(),
            bell: Bell::default(),
        };
        let tracker = TaskTracker::new();
        let shell = Self(Arc::new(Inner {
            means,
            neighbours,
            lanes: Mutex::default(),
            owners: Mutex::default(),
            tracker: tracker.clone(),
        }));
        shell.adopt().await;
        let living = tenure.clone().keep(shell.clone(), shutdown.clone());
        let living = Task::spawn("routing replica", living);
        let relief = tenure.clone().relieve(shell.clone(), shutdown.clone());
        let relief = Task::spawn("routing relief", relief);
        let inner = Arc::downgrade(&shell.0);
        let owners = Task::spawn("routing owners", async move {
            shutdown.cancelled().await;
            // Without senders the owners finish what they hold and end.
            if let Some(inner) = inner.upgrade() {
                lock(&inner.lanes).clear();
            }
            tracker.close();
            tracker.wait().await;
            tenure.leave().await;
            drop(thread);
        });
        Ok((shell, vec![living, relief, owners]))
    }

    /// Becomes the owner of tenants that have none and for which something may become due although
    /// nobody calls.
    pub(super) async fn adopt(&self) {
        match self.0.means.store.orphans().await {
            Ok(orphans) => {
                for tenant in orphans {
                    // Only while shutting down it cannot.
                    let _ = self.lane(tenant);
                }
            }
            Err(error) => tracing::warn!(%error, "it is not known whom nobody routes for"),
        }
    }

    /// Where a tenant's calls are decided. Here also when nobody decides for it yet.
    pub(crate) async fn place(&self, tenant: TenantId) -> Result<Place, Error> {
        let Inner {
            means, neighbours, ..
        } = &*self.0;
        let own = means.tenure.replica();
        // One that nobody reaches has no others beside it.
        if own.address.is_empty() || self.is_at_work(tenant) {
            return Ok(Place::Here);
        }
        let believed = lock(&self.0.owners).get(&tenant).cloned();
        let address = match believed.filter(|(_, asked)| asked.elapsed() < BELIEVED) {
            Some((address, _)) => address,
            None => {
                // Whoever calls must not wait for what this process is cut off from: another one may know.
                let owner = tokio::time::timeout(BELIEVED, means.store.owner_of(tenant)).await;
                let owner = owner.unwrap_or(Err(db::Error::Unreachable))?;
                let Some(owner) = owner.filter(|owner| owner.id != own.id) else {
                    return Ok(Place::Here);
                };
                let belief = (owner.address.clone(), Instant::now());
                lock(&self.0.owners).insert(tenant, belief);
                owner.address
            }
        };
        if address.is_empty() {
            return Err(Error::NotOwner);
        }
        let channel = neighbours.replica(&address).map_err(|error| {
            tracing::error!(%error, "the owner of a tenant cannot be reached");
            Error::NotOwner
        })?;
        Ok(Place::There(channel))
    }

    /// The owner did not answer as one: who it is is asked anew.
    pub(crate) fn doubt(&self, tenant: TenantId) {
        lock(&self.0.owners).remove(&tenant);
    }

    /// Somebody has called this process, whatever for.
    pub(crate) fn called(&self) {
        self.0.means.tenure.called();
    }

    /// Whether the process at this address answers, whatever it says.
    pub(super) async fn answers(&self, address: &str) -> bool {
        match self.0.neighbours.replica(address) {
            Ok(channel) => channel.answers().await,
            Err(_) => false,
        }
    }

    /// Hears when a command may wait for a connector.
    pub(crate) fn ear(&self, tenant: TenantId, connector: &str) -> Ear {
        self.0.means.bell.ear(tenant, connector)
    }

    fn is_at_work(&self, tenant: TenantId) -> bool {
        let lanes = lock(&self.0.lanes);
        lanes.get(&tenant).is_some_and(|lane| !lane.is_closed())
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
        let gone = |_| match self.0.means.shutdown.is_cancelled() {
            true => Error::Draining,
            false => Error::NotOwner,
        };
        answered.await.map_err(gone)?
    }

    /// Says that a stream has ended. Waits for its place: it must not be lost to overload.
    pub(crate) async fn close_desk(&self, tenant: TenantId, agent: AgentId, stream: StreamId) {
        let (submission, _) = submission(None, Command::CloseDesk { agent, stream });
        let lane = lock(&self.0.lanes).get(&tenant).cloned();
        if let Some(lane) = lane {
            // An owner that is no more has forgotten every stream.
            let _ = lane.send(submission).await;
        }
    }

    fn lane(&self, tenant: TenantId) -> Result<mpsc::Sender<Submission>, Error> {
        let Inner {
            means,
            lanes,
            tracker,
            ..
        } = &*self.0;
        let mut lanes = lock(lanes);
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

/// Why routing cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("the engines' thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] db::Error),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
