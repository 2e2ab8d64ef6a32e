//! Which tenants may call, in memory: every call asks, so nobody asks the database.

use std::collections::HashMap;
use std::sync::Arc;
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
pub struct Directory(Arc<ArcSwap<HashMap<TenantId, State>>>);

impl Directory {
    /// Reads the tenants.
    ///
    /// # Errors
    /// When the store fails; what was known stays.
    pub async fn refresh(&self, store: &Store) -> Result<(), db::Error> {
        let states = store.states().await?.into_iter().collect();
        self.0.store(Arc::new(states));
        Ok(())
    }

    /// Whether a tenant is known and may call.
    pub fn is_active(&self, tenant: TenantId) -> bool {
        self.0.load().get(&tenant) == Some(&State::Active)
    }

    /// Notes a change made here at once; other replicas see it at their next refresh.
    pub fn note(&self, tenant: TenantId, state: State) {
        self.0.rcu(|states| {
            let mut states = HashMap::clone(states);
            states.insert(tenant, state);
            states
        });
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
