//! Ties facts that came before their contacts to them, soon after these have come.

use std::collections::BTreeMap;
use std::time::Duration;

use rapport_foundation::events;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::{Env, Task};

use crate::app::facts;
use crate::store::{Overtaken, Store};
use crate::{Config, Error};

/// Facts tied in one round.
const ROUND: i64 = 256;

/// Runs until shutdown.
pub(crate) fn spawn(env: &Env, store: Store, config: &Config) -> Task {
    let (env, every) = (env.clone(), config.sweep_every());
    Task::spawn("interactions facts", async move {
        let mut reported = false;
        while !env.shutdown.is_cancelled() {
            let wait = match round(&env, &store).await {
                // A full round leaves more behind it.
                Ok(tied) => {
                    reported = false;
                    if tied < ROUND { every } else { Duration::ZERO }
                }
                Err(error) => {
                    if !reported {
                        tracing::warn!(%error, "facts cannot be tied to their contacts");
                    }
                    reported = true;
                    every
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = env.shutdown.cancelled() => {}
            }
        }
    })
}

/// Ties what can be tied; answers how many were tried.
async fn round(env: &Env, store: &Store) -> Result<i64, Error> {
    let overtaken = store.overtaken(ROUND).await?;
    let count = i64::try_from(overtaken.len()).unwrap_or(ROUND);
    let mut by_tenant: BTreeMap<TenantId, Vec<Overtaken>> = BTreeMap::new();
    for one in overtaken {
        by_tenant.entry(one.tenant).or_default().push(one);
    }
    let now = env.clock.now();
    for (tenant, overtaken) in by_tenant {
        store
            .db
            .write(tenant, async |s| {
                let told = store.attach(&s, &overtaken, now, facts::outbound).await?;
                let told: Vec<_> = told
                    .into_iter()
                    .map(|one| facts::became_known(one, now))
                    .collect();
                events::append_many(&s, &told).await
            })
            .await?;
    }
    Ok(count)
}
