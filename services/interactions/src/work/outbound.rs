//! Ends leases of connectors that said nothing, gives up what is too late, and forgets texts that nobody will send.

use std::collections::BTreeMap;
use std::time::Duration;

use rapport_foundation::id::{OutboundId, TenantId};
use rapport_foundation::service::{Env, Task};
use rapport_foundation::time::Micros;

use crate::app::facts;
use crate::store::{DueOutbound, Moved, Store};
use crate::{Config, Error};

/// Messages taken up in one round.
const ROUND: i64 = 256;
/// Texts are kept for days: an hour more does not matter.
const FORGETS: Duration = Duration::from_secs(3600);

/// Runs until shutdown.
pub(crate) fn spawn(env: &Env, store: Store, config: &Config) -> Task {
    let (env, every) = (env.clone(), config.sweep_every());
    let kept = Duration::from_secs(config.outbound.keep_failed_hours.saturating_mul(3600));
    Task::spawn("interactions outbound sweep", async move {
        let (mut reported, mut forgot) = (false, Micros::EPOCH);
        while !env.shutdown.is_cancelled() {
            let wait = match round(&store).await {
                // A full round leaves more behind it.
                Ok(moved) => {
                    reported = false;
                    if moved < ROUND { every } else { Duration::ZERO }
                }
                Err(error) => {
                    if !reported {
                        tracing::warn!(%error, "messages of ours are not swept");
                    }
                    reported = true;
                    every
                }
            };
            let now = env.clock.now();
            if now.since(forgot) >= FORGETS {
                forgot = now;
                if let Err(error) = store.forget_outbound_texts(now - kept).await {
                    tracing::warn!(%error, "texts of messages that failed could not be forgotten");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = env.shutdown.cancelled() => {}
            }
        }
    })
}

/// Moves what is due; answers how many there were.
async fn round(store: &Store) -> Result<i64, Error> {
    let due = store.due_outbound(ROUND).await?;
    let count = i64::try_from(due.len()).unwrap_or(ROUND);
    let mut by_tenant: BTreeMap<TenantId, Vec<DueOutbound>> = BTreeMap::new();
    for one in due {
        by_tenant.entry(one.tenant).or_default().push(one);
    }
    for (tenant, due) in by_tenant {
        let ids: Vec<OutboundId> = due.iter().map(|one| one.id).collect();
        let erased: Vec<OutboundId> = (due.iter().filter(|one| one.is_erased))
            .map(|one| one.id)
            .collect();
        let change = |moved: &mut [Moved], now: Micros| -> Result<(), Error> {
            for one in moved.iter_mut().map(|one| &mut one.after) {
                one.lapse(now);
                if erased.contains(&one.id) {
                    one.erase(now);
                }
            }
            Ok(())
        };
        store
            .db
            .write(tenant, async |s| {
                store
                    .move_outbound(&s, &ids, facts::outbound, &change)
                    .await
            })
            .await?;
    }
    Ok(count)
}
