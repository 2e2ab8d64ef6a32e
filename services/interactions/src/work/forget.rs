//! Forgets request ids that are too old to be repeated.

use std::time::Duration;

use rapport_foundation::idempotency;
use rapport_foundation::service::{Env, Task};

/// They are kept for days: an hour more does not matter.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs until shutdown.
pub(crate) fn spawn(env: &Env) -> Task {
    let (db, clock, shutdown) = (env.db.clone(), env.clock.clone(), env.shutdown.clone());
    Task::spawn("interactions request ids", async move {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = clock.sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = idempotency::sweep(&db, clock.now()).await {
                tracing::warn!(%error, "old request ids could not be forgotten");
            }
        }
    })
}
