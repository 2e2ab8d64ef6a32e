//! What runs beside the calls.

use std::time::Duration;

use rapport_foundation::service::Task;
use rapport_foundation::time::Clock;
use tokio_util::sync::CancellationToken;

use crate::directory::Directory;
use crate::store::Store;

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
