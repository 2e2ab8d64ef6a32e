//! This process among those that may decide: it lives while it can say so to the database.
//!
//! One sign of life counts for all tenants of the process. It stops deciding at two thirds of the
//! lease by its own clock, which no adjustment of the time of day moves, and others begin at the end
//! of it by the database's: between the two nobody decides. What keeps two owners from committing is
//! the epoch in the fence of each decision; this keeps the one that was replaced from going on as if
//! it still were.
//!
//! A process may keep its database and be cut off from all who call. Whoever is called, and cannot reach one that
//! nobody calls, puts that one away. Two that cannot reach each other and are both called leave each other alone:
//! what one of them refuses is asked of the other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// When somebody called last.
    called: Mutex<Instant>,
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
            store.begin(&replica, lease, Duration::ZERO).await?;
            Some(asked + lease * 2 / 3)
        } else {
            None
        };
        Ok(Self(Arc::new(Inner {
            store,
            replica,
            lease,
            until: Mutex::new(until),
            called: Mutex::new(asked),
            lapses: watch::Sender::new(0),
        })))
    }

    pub(super) fn replica(&self) -> &Replica {
        &self.0.replica
    }

    /// Somebody has called this process.
    pub(super) fn called(&self) {
        *lock(&self.0.called) = Instant::now();
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
                Ok(alive) => {
                    if !alive {
                        // What it owned is another's, or will be: as if it had been dead.
                        self.0.lapses.send_modify(|count| *count += 1);
                    }
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

    /// Puts away others that nobody reaches, until shutdown.
    pub(super) async fn relieve(self, shell: Shell, shutdown: CancellationToken) {
        if self.until().is_none() || self.0.replica.address.is_empty() {
            return shutdown.cancelled().await;
        }
        let beat = self.0.lease / 3;
        loop {
            tokio::select! {
                () = tokio::time::sleep(beat / 4) => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.relieve_once(&shell, beat).await {
                tracing::debug!(%error, "it is not known whom nobody calls");
            }
        }
    }

    async fn relieve_once(&self, shell: &Shell, beat: Duration) -> Result<(), db::Error> {
        let Inner { store, replica, .. } = &*self.0;
        // A sign of life says how long ago there was a call: between two of them that is not known.
        let lately = beat * 2;
        for other in store.uncalled(replica.id, lately).await? {
            let answers = tokio::time::timeout(beat / 2, shell.answers(&other.address));
            if answers.await.unwrap_or(false) {
                continue;
            }
            if store.put_away(other.id, lately).await? {
                tracing::warn!(address = %other.address, "a process that nobody reaches is put away");
                shell.adopt().await;
            }
        }
        Ok(())
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

    /// Within a beat: an answer that takes longer is none. Answers whether it had lived until now.
    async fn live_on(&self, beat: Duration) -> Result<bool, db::Error> {
        let Inner {
            store,
            replica,
            lease,
            called,
            ..
        } = &*self.0;
        let uncalled = lock(called).elapsed();
        let living = async {
            let alive = store.live_on(replica.id, *lease, uncalled).await?;
            if !alive {
                // Its row was taken away: it had been dead for long, or nobody had reached it.
                store.begin(replica, *lease, uncalled).await?;
            }
            Ok(alive)
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
        *lock(&self.0.until)
    }

    fn set(&self, until: Instant) {
        *lock(&self.0.until) = Some(until);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
