//! Forgets contacts whose time is over, a few at a time, and what is no longer known of repetitions.

use std::time::Duration;

use rapport_foundation::events;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::{Env, Task};

use crate::app::facts;
use crate::store::{Due, Store};
use crate::{Config, Error};

/// The sweep.
struct Retention {
    env: Env,
    store: Store,
    grace: Duration,
    known: Duration,
}

/// Sweeps until shutdown.
pub(crate) fn spawn(env: &Env, store: Store, config: &Config) -> Task {
    let every = config.retention_sweep();
    let sweep = Retention {
        env: env.clone(),
        store,
        grace: config.retention_grace(),
        known: config.duplicates_known(),
    };
    Task::spawn("interactions retention", async move {
        while !sweep.env.shutdown.is_cancelled() {
            if let Err(error) = sweep.round().await {
                tracing::warn!(%error, "contacts whose time is over could not be forgotten");
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = sweep.env.shutdown.cancelled() => {}
            }
        }
    })
}

impl Retention {
    async fn round(&self) -> Result<(), Error> {
        self.store.forget_repetitions(self.env.clock.now()).await?;
        for tenant in self.store.with_retention().await? {
            self.tenant(tenant).await?;
        }
        Ok(())
    }

    /// One pass over what is old of a tenant, in transactions that hold nobody up.
    async fn tenant(&self, tenant: TenantId) -> Result<(), Error> {
        let now = self.env.clock.now();
        let due = Due {
            now,
            grace: self.grace,
            until: now + self.known,
        };
        let mut behind = None;
        while !self.env.shutdown.is_cancelled() {
            let (over, last) = self.store.due(tenant, behind, due).await?;
            if !over.is_empty() {
                let forgotten: Result<(), Error> = self
                    .store
                    .db
                    .write(tenant, async |s| {
                        let ids = self.store.forget_due(&s, &over, due).await?;
                        let told = facts::forgotten(&ids, now);
                        events::append_many(&s, told.as_slice()).await?;
                        Ok(())
                    })
                    .await;
                forgotten?;
            }
            match last {
                Some(place) => behind = Some(place),
                None => return Ok(()),
            }
        }
        Ok(())
    }
}
