//! Which tenants may call, in memory: every call asks, so nobody asks the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rapport_foundation::db;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::Task;
use tokio_util::sync::CancellationToken;

use crate::domain::tenant::State;
use crate::store::Store;

/// The tenants and their states, a moment old at most.
#[derive(Clone, Default)]
pub struct Directory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    states: ArcSwap<HashMap<TenantId, State>>,
    /// Counts the changes noted here. Held while the states are replaced; never by a call.
    noted: Mutex<u64>,
}

impl Directory {
    /// Reads the tenants.
    ///
    /// # Errors
    /// When the store fails; what was known stays.
    pub async fn refresh(&self, store: &Store) -> Result<(), db::Error> {
        loop {
            let before = *self.noted();
            let states = store.states().await?.into_iter().collect();
            let noted = self.noted();
            // A change noted meanwhile may be newer than what was read: it must not be undone.
            if *noted == before {
                self.0.states.store(Arc::new(states));
                return Ok(());
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, u64> {
        // Nothing under this lock panics, and if it did the count would still be one.
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a tenant is known and may call.
    pub fn is_active(&self, tenant: TenantId) -> bool {
        self.0.states.load().get(&tenant) == Some(&State::Active)
    }

    /// What a tenant may use, when it has a quota of its own.
    pub fn quota(&self, _tenant: TenantId) -> Option<crate::domain::quota::Quota> {
        None
    }

    /// Notes a change made here at once; other replicas see it at their next refresh.
    pub fn note(&self, tenant: TenantId, state: State) {
        let mut noted = self.noted();
        *noted += 1;
        let mut states = HashMap::clone(&self.0.states.load());
        states.insert(tenant, state);
        self.0.states.store(Arc::new(states));
    }

    /// The task that refreshes.
    pub fn keep_fresh(&self, store: Store, every: Duration, shutdown: CancellationToken) -> Task {
        let this = self.clone();
        Task::spawn("tenant directory", async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(every) => (),
                    () = shutdown.cancelled() => return,
                }
                if let Err(error) = this.refresh(&store).await {
                    tracing::warn!(%error, "tenants could not be read again; the last known stay");
                }
            }
        })
    }
}
