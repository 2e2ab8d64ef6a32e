//! What every call asks, in memory: which tenants may call, their keys, roles, revocations and quotas. So nobody asks the
//! database, and what is not here does not exist.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use rapport_foundation::db;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::{Readiness, Task};
use rapport_foundation::time::Clock;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

mod age;
mod known;
mod live_key;

use age::Age;
pub(crate) use age::Limit;
pub(crate) use known::Known;
pub(crate) use live_key::LiveKey;

use crate::domain::quota::Quota;
use crate::store::{Store, Use};

/// How long one reading of the tenants may take before it is given up and begun again.
const LONGEST_READING: Duration = Duration::from_secs(10);

/// What is known of the tenants, a moment old at most.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    clock: Clock,
    known: ArcSwap<Known>,
    /// Held while something is read to be known: who reads last knows best. Never held by a call that only asks.
    reading: Mutex<()>,
    /// Counts what became known, for streams that must end when it concerns them.
    changes: watch::Sender<u64>,
    age: Age,
}

impl Directory {
    /// Knows nothing yet.
    pub fn new(clock: Clock) -> Self {
        Directory(Arc::new(Inner {
            clock,
            known: ArcSwap::default(),
            reading: Mutex::new(()),
            changes: watch::Sender::new(0),
            age: Age::default(),
        }))
    }

    /// Reads the tenants, and of those that changed everything they say.
    ///
    /// # Errors
    /// When the store fails; what was known stays.
    pub async fn refresh(&self, store: &Store) -> Result<(), db::Error> {
        let _reading = self.0.reading.lock().await;
        let before = self.0.known.load_full();
        let rows = store.tenants().await?;
        if before.is_all_of(&rows) {
            self.0.age.renew();
            return Ok(());
        }
        let mut next = before.only(&rows);
        for row in rows.into_iter().filter(|row| !before.has(row)) {
            // The count is read before what it counts: what changes in between is read again.
            let reading = match next.lacks(&row) {
                true => Some(store.reading(row.id, self.0.clock.now()).await?),
                false => None,
            };
            next.put(row, reading);
        }
        self.now_known(next);
        self.0.age.renew();
        Ok(())
    }

    /// Reads one tenant again, so that a change made here is in force here at once.
    ///
    /// # Errors
    /// When the store fails; what was known stays, and the next refresh makes up for it.
    pub async fn reload(&self, store: &Store, tenant: TenantId) -> Result<(), db::Error> {
        let _reading = self.0.reading.lock().await;
        let Some(row) = store.tenant(tenant).await? else {
            return Ok(());
        };
        let mut next = Known::clone(&self.0.known.load());
        let reading = store.reading(tenant, self.0.clock.now()).await?;
        next.put(row, Some(reading));
        self.now_known(next);
        Ok(())
    }

    fn now_known(&self, next: Known) {
        self.0.known.store(Arc::new(next));
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Whether a tenant is known and may call.
    pub fn is_active(&self, tenant: TenantId) -> bool {
        self.known().is_active(tenant)
    }

    /// What a tenant's principals may use together; None for the default of the installation.
    pub fn quota(&self, tenant: TenantId) -> Option<Quota> {
        self.known().quota(tenant)
    }

    pub(crate) fn known(&self) -> Guard<Arc<Known>> {
        self.0.known.load()
    }

    /// Wakes at every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Writes when keys were last used, beside the calls.
    ///
    /// # Errors
    /// When the store fails; what was not written is tried again the next time.
    pub(crate) async fn write_uses(&self, store: &Store) -> Result<(), db::Error> {
        /// Rows of one transaction, so that it never holds the store for long.
        const CHUNK: usize = 200;
        let known = self.0.known.load_full();
        let unwritten: Vec<_> = known.keys().filter_map(LiveKey::unwritten).collect();
        for chunk in unwritten.chunks(CHUNK) {
            let uses: Vec<Use> = chunk.iter().map(|(_, used)| *used).collect();
            store.note_uses(&uses).await?;
            chunk.iter().for_each(|(key, used)| key.wrote(used.at));
        }
        Ok(())
    }

    /// Whether calls are refused because what is known is too old.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.age.is_closed()
    }

    /// The task that refreshes, and says so when it no longer can.
    pub(crate) fn keep_fresh(
        &self,
        store: Store,
        every: Duration,
        limit: Limit,
        readiness: Readiness,
        shutdown: CancellationToken,
    ) -> Task {
        let this = self.clone();
        Task::spawn("tenant directory", async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(every) => (),
                    () = shutdown.cancelled() => return,
                }
                // A database that does not answer is as far away as one that refuses.
                match tokio::time::timeout(every.max(LONGEST_READING), this.refresh(&store)).await {
                    Ok(Ok(())) => (),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "tenants could not be read again; the last known stay");
                    }
                    Err(_) => tracing::warn!("tenants were not read in time; the last known stay"),
                }
                if let Some(closed) = this.0.age.judge(&limit) {
                    readiness.able(!closed).await;
                    // Open streams look again whether they may go on.
                    this.0.changes.send_modify(|count| *count += 1);
                }
            }
        })
    }
}
