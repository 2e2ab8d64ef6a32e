//! The store: domain types in, domain types out. Everything starts from a tenant.

mod customers;
mod edges;
mod entities;
mod identifiers;
#[cfg(test)]
mod plans;
mod records;
mod resolving;
mod sealing;
mod shown;
pub mod system;

use rapport_foundation::db::{Database, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::seal::Vault;

use crate::error::Error;

pub use edges::Revocation;
pub use records::Record;
pub use resolving::{Filling, Loaded};

/// The database of this service with its keys; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
    vault: Vault,
}

/// One tenant's rows inside one read or one transaction.
#[derive(Debug, Clone)]
pub struct Rows {
    s: Scoped,
    vault: Vault,
}

impl Store {
    /// A store over a migrated database.
    #[must_use]
    pub const fn new(db: Database, vault: Vault) -> Self {
        Self { db, vault }
    }

    /// What seals values and blinds indexes.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The database itself: for the log, the relay and the sweeps.
    #[must_use]
    pub const fn db(&self) -> &Database {
        &self.db
    }

    /// Reads of one tenant; they share no snapshot.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from being reached.
    pub async fn read<T, F, Fut>(&self, tenant: TenantId, mut f: F) -> Result<T, Error>
    where
        F: FnMut(Rows) -> Fut + Send,
        Fut: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        let vault = self.vault.clone();
        self.db
            .read(tenant, move |s| {
                f(Rows {
                    s,
                    vault: vault.clone(),
                })
            })
            .await
    }

    /// One transaction of one tenant; run again when it lost a race.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from committing.
    pub async fn write<T, F, Fut>(&self, tenant: TenantId, mut f: F) -> Result<T, Error>
    where
        F: FnMut(Rows) -> Fut + Send,
        Fut: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        let vault = self.vault.clone();
        self.db
            .write(tenant, move |s| {
                f(Rows {
                    s,
                    vault: vault.clone(),
                })
            })
            .await
    }
}

impl Rows {
    /// The transaction, for what foundation stores in it: idempotency keys and events.
    #[must_use]
    pub const fn scoped(&self) -> &Scoped {
        &self.s
    }
}
