//! Puts what was logged into the index of words, some moments after it was logged.

use std::time::Duration;

use rapport_foundation::service::{Env, Task};

use super::Calm;
use crate::store::Store;

/// How often the log is looked at: what was said is found so much later.
const EVERY: Duration = Duration::from_millis(250);
/// How often entries of erased texts are taken away. They find nothing from the moment the text cannot be opened.
const FORGETS: u32 = 240;

/// Events of one transaction while others wait to be logged, and when nobody does: of many in one, the index is
/// written in larger pieces, and there is less to merge.
const FEW: usize = 256;
const MANY: usize = 1024;
/// For how long a batch lets recording go first.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs until shutdown.
pub(crate) fn spawn(env: &Env, store: Store, calm: Calm) -> Task {
    let shutdown = env.shutdown.clone();
    Task::spawn("interactions index", async move {
        let mut round = 0_u32;
        while !shutdown.is_cancelled() {
            if let Err(error) = catch_up(&store, &calm, round).await {
                tracing::warn!(%error, "the index of words is held up");
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => {}
            }
        }
    })
}

/// Tenants take turns: one that imports years does not hold up the others.
async fn catch_up(
    store: &Store,
    calm: &Calm,
    round: u32,
) -> Result<(), rapport_foundation::db::Error> {
    if round % FORGETS == FORGETS - 1 {
        store.forget_words().await?;
    }
    loop {
        let mut more = false;
        for tenant in store.not_indexed().await? {
            calm.or_after(PATIENCE).await;
            let events = if calm.holds() { MANY } else { FEW };
            more |= store.index_next(tenant, events).await?;
        }
        if !more {
            return Ok(());
        }
    }
}
