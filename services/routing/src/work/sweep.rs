//! Forgets what nobody will ask for again.

use std::time::Duration;

use rapport_foundation::db::Database;
use rapport_foundation::idempotency;
use rapport_foundation::service::Task;
use rapport_foundation::time::Clock;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// What is kept is kept for days: an hour more does not matter.
const EVERY: Duration = Duration::from_secs(3_600);
/// An interaction is linked within seconds of its contact; one that is not linked within this
/// time asks for nobody any more.
const ENDED_CONTACTS_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// What a call is about is kept longer than its request id.
const PICKS_KEPT_LONGER: Duration = Duration::from_secs(24 * 3_600);
/// Longer than figures go back, and than a week is long.
const SPELLS_KEPT: Duration = Duration::from_secs(8 * 24 * 3_600);
/// What connectors were told is looked at while it is asked what became of a contact.
const COMMANDS_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Sweeps until shutdown.
pub(crate) fn spawn(db: Database, store: Store, clock: Clock, shutdown: CancellationToken) -> Task {
    Task::spawn("routing sweep", async move {
        loop {
            tokio::select! {
                () = clock.sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
            let now = clock.now();
            let swept = async {
                let ids = idempotency::sweep(&db, now).await?;
                let contacts = store.forget_ended_contacts(now - ENDED_CONTACTS_KEPT);
                let contacts = contacts.await?;
                // A day later than the ids of their calls, which another replica may still sweep.
                let before = now - idempotency::RETENTION - PICKS_KEPT_LONGER;
                let picks = store.forget_picks(before).await?;
                let spells = store.forget_spells(now - SPELLS_KEPT).await?;
                let commands = store.forget_commands(now - COMMANDS_KEPT).await?;
                let swept = ids + contacts + picks + spells + commands;
                Ok::<_, rapport_foundation::db::Error>(swept)
            };
            match swept.await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(
                    swept,
                    "forgot old request ids, contacts, spells and commands"
                ),
                Err(error) => tracing::warn!(%error, "what is old cannot be forgotten"),
            }
        }
    })
}
