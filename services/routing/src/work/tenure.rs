//! This process among those that may decide: it lives while it can say so to the database.
//!
//! One sign of life counts for all tenants of the process. It stops deciding at two thirds of the
//! lease by its own clock, which no adjustment of the time of day moves, and others begin at the end
//! of it by the database's: between the two nobody decides. What keeps two owners from committing is
//! the epoch in the fence of each decision; this keeps the one that was replaced from going on as if
//! it still were.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rapport_foundation::db;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shell;
use crate::store::{Replica, Store};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tenure(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    replica: Replica,
    lease: Duration,
    /// None: for ever.
    until: Mutex<Option<Instant>>,
    /// How often it was not kept alive in time: whoever owned something before owns it no more.
    lapses: watch::Sender<u64>,
}

impl Tenure {
    /// Begins, when others may share the database.
    pub(super) async fn begin(
        store: Store,
        address: String,
        lease: Duration,
    ) -> Result<Self, db::Error> {
        let replica = Replica {
            id: Uuid::now_v7(),
            address,
        };
        let asked = Instant::now();
        let until = if store.is_shared() {
            store.begin(&replica, lease).await?;
            Some(asked + lease * 2 / 3)
        } else {
            None
        };
        Ok(Self(Arc::new(Inner {
            store,
            replica,
            lease,
            until: Mutex::new(until),
            lapses: watch::Sender::new(0),
        })))
    }

    pub(super) fn replica(&self) -> &Replica {
        &self.0.replica
    }

    /// Whether this process may decide now.
    pub(super) fn holds(&self) -> bool {
        self.until().is_none_or(|until| Instant::now() < until)
    }

    /// Returns once this process may decide no more.
    pub(super) async fn ended(&self) {
        while let Some(until) = self.until() {
            tokio::time::sleep_until(until).await;
            if !self.holds() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Counts how often it could not.
    pub(super) fn lapses(&self) -> watch::Receiver<u64> {
        self.0.lapses.subscribe()
    }

    /// Gives signs of life, and takes over what nobody owns, until shutdown.
    pub(super) async fn keep(self, shell: Shell, shutdown: CancellationToken) {
        if self.until().is_none() {
            return shutdown.cancelled().await;
        }
        let beat = self.0.lease / 3;
        let mut lapsed = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(beat) => {}
                () = shutdown.cancelled() => return,
            }
            // It may have been stopped for longer than it was asleep.
            lapsed = lapsed || self.lapse();
            let asked = Instant::now();
            match self.live_on(beat).await {
                Ok(()) => {
                    self.set(asked + self.0.lease * 2 / 3);
                    lapsed = false;
                    shell.adopt().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "routing cannot say that it lives");
                    lapsed = lapsed || self.lapse();
                }
            }
        }
    }

    /// Others need not wait for the end of the lease.
    pub(super) async fn leave(&self) {
        if self.until().is_none() {
            return;
        }
        if let Err(error) = self.0.store.leave(self.0.replica.id).await {
            tracing::debug!(%error, "others wait for the end of the lease");
        }
    }

    /// Within a beat: an answer that takes longer is none.
    async fn live_on(&self, beat: Duration) -> Result<(), db::Error> {
        let Inner {
            store,
            replica,
            lease,
            ..
        } = &*self.0;
        let living = async {
            if store.live_on(replica.id, *lease).await? {
                return Ok(());
            }
            // Its row was taken away after it had been dead for long.
            store.begin(replica, *lease).await
        };
        let living = tokio::time::timeout(beat, living);
        living.await.unwrap_or(Err(db::Error::Busy))
    }

    /// Notes that it is over, when it is; answers whether.
    fn lapse(&self) -> bool {
        let over = !self.holds();
        if over {
            self.0.lapses.send_modify(|count| *count += 1);
        }
        over
    }

    fn until(&self) -> Option<Instant> {
        *self.0.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, until: Instant) {
        *self.0.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}
