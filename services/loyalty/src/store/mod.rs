//! The store: domain types in, domain types out. Every function takes the scope it runs in, so that a use
//! case can put several into one transaction.

pub(crate) mod customers;
mod entities;
pub(crate) mod ledger;
pub(crate) mod members;
pub(crate) mod programs;
pub(crate) mod requests;
mod stored;
pub(crate) mod system;

use rapport_foundation::db::{Database, Error, Scoped};
use rapport_foundation::id::TenantId;

/// The database of this service.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    db: Database,
}

impl Store {
    pub(crate) fn new(db: Database) -> Self {
        Self { db }
    }

    /// Statements that only read; they share no snapshot.
    pub(crate) async fn read<T, E, F, Fut>(&self, tenant: TenantId, f: F) -> Result<T, E>
    where
        F: FnMut(Scoped) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        self.db.read(tenant, f).await
    }

    /// One transaction, run again when it lost a race.
    pub(crate) async fn write<T, E, F, Fut>(&self, tenant: TenantId, f: F) -> Result<T, E>
    where
        F: FnMut(Scoped) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        self.db.write(tenant, f).await
    }
}
