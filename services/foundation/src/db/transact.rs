//! Running one transaction, and running it again when it lost a race.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};

use super::access::{Access, Notes};
use super::pause::Pause;
use super::session::Lease;
use super::{Database, Error, Store};
use crate::id::TenantId;

/// A transaction that lost a race is run again so many times.
const REPEATS: u32 = 3;
/// After a restart of the server so many dead connections of a pool may be met one after the other.
const REPLACEMENTS: u32 = 16;
/// The first pause before a repetition is up to this long; the next ones double it.
const FIRST_PAUSE: Duration = Duration::from_millis(4);

impl Database {
    /// A connection for one call: of the tenant, or across tenants when there is none.
    pub(crate) async fn lease(
        &self,
        tenant: Option<TenantId>,
        writes: bool,
    ) -> Result<Lease, Error> {
        match (&self.0.store, tenant) {
            (Store::Sqlite { writer, .. }, _) if writes => Ok(Lease::plain(writer.clone())),
            (Store::Sqlite { readers, .. }, _) => Ok(Lease::plain(readers.clone())),
            (Store::Postgres { circuit, .. }, _) if !circuit.allows() => Err(Error::Unreachable),
            (Store::Postgres { sessions, .. }, Some(tenant)) => {
                let lease = sessions.lease(tenant).await;
                if matches!(lease, Err(Error::Unreachable)) {
                    self.report(false);
                }
                lease
            }
            (Store::Postgres { system, .. }, None) => Ok(Lease::plain(system.clone())),
        }
    }

    /// Says whether a connection could be had, so that calls fail at once while none can.
    pub(crate) fn report(&self, answered: bool) {
        if let Store::Postgres { circuit, .. } = &self.0.store {
            circuit.report(answered);
        }
    }

    /// Runs statements that only read. They have no effects, so a connection that broke is replaced unseen.
    pub(crate) async fn look<T, E, F, Fut>(
        &self,
        tenant: Option<TenantId>,
        mut f: F,
    ) -> Result<T, E>
    where
        F: FnMut(Access) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        let mut replacements = REPLACEMENTS;
        loop {
            let mut lease = self.lease(tenant, false).await?;
            let notes = Arc::new(Notes::default());
            let access = Access::reading(lease.connection(), Arc::clone(&notes));
            let outcome = Box::pin(f(access)).await;
            self.report(!notes.is_unconnected());
            if outcome.is_ok() {
                lease.finished_cleanly();
            } else if notes.is_broken() && replacements > 0 {
                replacements -= 1;
                continue;
            }
            return outcome;
        }
    }

    pub(crate) async fn transact<T, E, F, Fut>(
        &self,
        tenant: Option<TenantId>,
        mut f: F,
    ) -> Result<T, E>
    where
        F: FnMut(Access) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        let mut pause = Pause::up_to(FIRST_PAUSE);
        for repeats_left in (0..=REPEATS).rev() {
            let notes = Arc::new(Notes::default());
            let outcome = self.attempt(tenant, &notes, &mut f).await;
            match outcome {
                Ok(value) => {
                    notes.run_after_commit();
                    if notes.has_appended() {
                        self.0.bus.wake_relay();
                    }
                    return Ok(value);
                }
                Err(error) if repeats_left == 0 || !notes.is_repeatable() => return Err(error),
                Err(_) => {}
            }
            pause.rest().await;
        }
        Err(E::from(Error::Raced))
    }

    async fn attempt<T, E, F, Fut>(
        &self,
        tenant: Option<TenantId>,
        notes: &Arc<Notes>,
        f: &mut F,
    ) -> Result<T, E>
    where
        F: FnMut(Access) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        let mut lease = self.lease(tenant, true).await?;
        let tx = Arc::new(self.begin(lease.connection()).await?);
        let access = Access::writing(Arc::clone(&tx), Arc::clone(notes));
        let outcome = Box::pin(f(access.clone())).await;
        // Whoever passed over a failed statement has not done what it says.
        let outcome = match notes.failure() {
            Some(failure) => outcome.and(Err(E::from(failure.clone()))),
            None => outcome,
        };
        let value = match outcome {
            Ok(value) => value,
            Err(error) => {
                drop(access);
                if let Ok(tx) = Arc::try_unwrap(tx) {
                    // When this fails the connection is broken, and the transaction with it.
                    let _ = tx.rollback().await;
                }
                return Err(error);
            }
        };
        drop(access);
        let tx = Arc::try_unwrap(tx).map_err(|_| {
            Error::Misconfigured("a Scoped outlived the transaction it was made for".into())
        })?;
        tx.commit()
            .await
            .map_err(|error| notes.noting(Error::from(error)))?;
        lease.finished_cleanly();
        Ok(value)
    }

    /// Begins a transaction; connections that broke while they were idle are replaced unseen.
    async fn begin(&self, conn: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
        let mut replacements = REPLACEMENTS;
        loop {
            let notes = Notes::default();
            let outcome = begin_once(conn).await.map_err(|error| notes.noted(error));
            self.report(!notes.is_unconnected());
            if notes.is_broken() && replacements > 0 {
                replacements -= 1;
                continue;
            }
            // Another process held the file for as long as waiting makes sense.
            return outcome.map_err(|error| {
                if error.is_repeatable() {
                    Error::Busy
                } else {
                    error
                }
            });
        }
    }
}

/// IMMEDIATE on SQLite: a deferred transaction that reads first and writes later fails with a snapshot error that
/// no waiting cures. PostgreSQL ignores it.
async fn begin_once(conn: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    conn.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
}
