//! What runs beside the calls.

use std::time::Duration;

use rapport_foundation::db;
use rapport_foundation::service::Task;
use rapport_foundation::time::{Clock, Micros};
use tokio_util::sync::CancellationToken;

use crate::config::Audit;
use crate::directory::Directory;
use crate::store::{self, Store};

/// The task that writes the last uses of keys and forgets revocations that are over, once more at the end.
pub(crate) fn keep_written(
    directory: Directory,
    store: Store,
    every: Duration,
    clock: Clock,
    shutdown: CancellationToken,
) -> Task {
    Task::spawn("last uses of keys", async move {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(every) => (),
                () = shutdown.cancelled() => (),
            }
            if let Err(error) = directory.write_uses(&store).await {
                tracing::warn!(%error, "last uses of keys could not be written; tried again later");
            }
            if let Err(error) = store.sweep_revocations(clock.now()).await {
                tracing::warn!(%error, "revocations that are over could not be swept; tried again later");
            }
        }
    })
}

/// How often it is looked what has become too old. Nobody waits for it.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(3600);

/// The task that lets go of audit entries that were kept long enough. An hour later than it may: a clock that differs a little
/// does not make anybody take it for something else.
pub(crate) fn keep_audit_young(
    config: Audit,
    trail: store::audit::Audit,
    clock: Clock,
    shutdown: CancellationToken,
) -> Task {
    Task::spawn("retention of the audit trail", async move {
        // What was swept needs no look again.
        let mut after = 0;
        loop {
            if let Some(since) = config.kept_since(clock.now()) {
                let before = Micros(since.0 - MICROS_OF_AN_HOUR);
                match swept(&trail, &mut after, before, &shutdown).await {
                    Ok(0) => (),
                    Ok(entries) => tracing::info!(entries, "audit entries were kept long enough"),
                    Err(error) => tracing::warn!(%error, "old audit entries could not be removed"),
                }
            }
            tokio::select! {
                () = clock.sleep(BETWEEN_SWEEPS) => (),
                () = shutdown.cancelled() => return,
            }
        }
    })
}

const MICROS_OF_AN_HOUR: i64 = 3_600_000_000;

async fn swept(
    trail: &store::audit::Audit,
    after: &mut i64,
    before: Micros,
    shutdown: &CancellationToken,
) -> Result<u64, db::Error> {
    let mut entries = 0;
    while !shutdown.is_cancelled()
        && let Some(swept) = trail.sweep(*after, before).await?
    {
        entries += swept.entries;
        *after = swept.n;
    }
    Ok(entries)
}
