//! Forgets request ids that are too old to be repeated.

use std::time::Duration;

use rapport_foundation::db::Database;
use rapport_foundation::idempotency;
use rapport_foundation::service::Task;
use rapport_foundation::time::Clock;
use tokio_util::sync::CancellationToken;

/// They are kept for days: an hour more does not matter.
const EVERY: Duration = Duration::from_secs(3600);

/// Sweeps until shutdown.
#[must_use]
pub fn spawn(db: Database, clock: Clock, shutdown: CancellationToken) -> Task {
    Task::spawn("sweep", async move {
        loop {
            tokio::select! {
                () = clock.sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
            match idempotency::sweep(&db, clock.now()).await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(swept, "forgot old request ids"),
                Err(error) => tracing::warn!(%error, "old request ids cannot be forgotten"),
            }
        }
    })
}
