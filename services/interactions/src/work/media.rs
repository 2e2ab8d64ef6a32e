//! Removes files that nobody needs: uploads that were given up, files that no contact names, and what was erased.

use std::time::Duration;

use rapport_foundation::id::{MediaId, TenantId};
use rapport_foundation::service::{Env, Task};

use crate::clients::{Key, Objects};
use crate::store::{DueMedia, Store};
use crate::{Config, Error, MediaConfig};

/// Rounds between two looks for what was erased: nobody can read it meanwhile, and looking goes through all keys.
const ERASED: u32 = 10;
/// An object that is being stored for so long is not: far above `object_ms`.
const ATTEMPT: Duration = Duration::from_secs(3600);

/// Runs until shutdown.
pub(crate) fn spawn(env: &Env, store: Store, objects: Objects, config: &Config) -> Task {
    let (env, config) = (env.clone(), config.media.clone());
    let sweep = Sweep {
        env,
        store,
        objects,
        config,
    };
    Task::spawn("interactions media", async move {
        let shutdown = &sweep.env.shutdown;
        let (mut reported, mut rounds) = (false, 0_u32);
        while !shutdown.is_cancelled() {
            match sweep.round(rounds % ERASED == 0).await {
                Ok(()) => reported = false,
                Err(error) if !reported => {
                    tracing::warn!(%error, "files that are due cannot be removed");
                    reported = true;
                }
                Err(_) => {}
            }
            rounds = rounds.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(sweep.config.sweep_every()) => {}
                () = shutdown.cancelled() => {}
            }
        }
    })
}

struct Sweep {
    env: Env,
    store: Store,
    objects: Objects,
    config: MediaConfig,
}

impl Sweep {
    async fn round(&self, erased: bool) -> Result<(), Error> {
        let now = self.env.clock.now();
        let due = DueMedia {
            unfinished: now - self.config.unfinished(),
            orphan: now - self.config.orphan(),
            attempt: now - ATTEMPT,
        };
        while erased && self.store.let_erased_go(now).await? > 0 {}
        loop {
            let going = self.store.going_media(due).await?;
            if going.is_empty() || self.env.shutdown.is_cancelled() {
                break;
            }
            for (tenant, id) in going {
                self.remove(tenant, id).await?;
            }
        }
        for (tenant, media, piece) in self.store.stray_pieces(due).await? {
            let key = Key {
                tenant,
                media,
                piece,
            };
            self.objects.remove(&key).await?;
            self.store
                .db
                .write(tenant, async |s| {
                    self.store.forget_piece(&s, media, &piece).await
                })
                .await?;
        }
        Ok(())
    }

    /// Objects first: a row without objects is found again, an object without a row never.
    async fn remove(&self, tenant: TenantId, media: MediaId) -> Result<(), Error> {
        let pieces = self
            .store
            .db
            .read(tenant, async |s| self.store.going_pieces(&s, media).await)
            .await?;
        for piece in pieces {
            let key = Key {
                tenant,
                media,
                piece,
            };
            self.objects.remove(&key).await?;
        }
        self.store
            .db
            .write(tenant, async |s| self.store.forget_media(&s, media).await)
            .await?;
        Ok(())
    }
}
