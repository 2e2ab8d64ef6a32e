//! The database of one service, on SQLite or PostgreSQL.
//!
//! Every use case reads through [`Database::read`] or writes through [`Database::write`], both of which start from
//! a tenant: the [`Scoped`] handed to the closure can reach that tenant's rows only. [`Database::system_read`] and
//! [`Database::system_write`] see all tenants and belong to `store/system.rs` and to this crate's own machinery.
//!
//! This folder is the only place that touches the connection and the unscoped query functions of the ORM.

mod access;
mod arrays;
pub mod bulk;
mod bundle;
mod circuit;
mod config;
mod error;
mod migrate;
mod pause;
mod provision;
mod rows;
mod scoped;
mod security;
mod session;
mod sqlite;
mod system;
mod transact;

use std::sync::Arc;

pub use config::DatabaseConfig;
pub use error::Error;
pub use migrate::{migrate, pending};
pub use provision::provision;
#[cfg(feature = "testing")]
pub use provision::{copy, remove};
pub use rows::Rows;
pub use scoped::{Scoped, TenantOwned};
pub use sea_orm::DbBackend as Engine;
pub use system::System;

pub(crate) use access::Access;
use circuit::Circuit;
use sea_orm::DatabaseConnection;
use session::Sessions;

use crate::events::Bus;
use crate::id::TenantId;
use crate::role::Role;

/// The present moment of the database, in microseconds, as an expression: leases of several processes are compared by it.
/// The same within a statement, so that an index can be asked with it.
#[must_use]
pub const fn present(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "cast(extract(epoch from statement_timestamp()) * 1000000 as bigint)",
        _ => "cast(unixepoch('subsec') * 1000000 as integer)",
    }
}

/// One service's database; cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    role: Role,
    store: Store,
    bus: Bus,
}

enum Store {
    Sqlite {
        writer: DatabaseConnection,
        readers: DatabaseConnection,
    },
    Postgres {
        sessions: Sessions,
        system: DatabaseConnection,
        circuit: Circuit,
    },
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("role", &self.0.role)
            .field("engine", &self.engine())
            .finish()
    }
}

impl Database {
    /// Opens the database of one service. The schema must have been migrated.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the address is not usable, or on PostgreSQL when the login could walk around
    /// row security; [`Error::Unreachable`] when nothing answers.
    pub async fn open(config: &DatabaseConfig, role: Role) -> Result<Self, Error> {
        let store = match config.engine()? {
            Engine::Sqlite => {
                let (writer, readers) = sqlite::open(config).await?;
                Store::Sqlite { writer, readers }
            }
            _ => {
                let system = session::open_system(config, role).await?;
                Store::Postgres {
                    sessions: Sessions::open(config, role).await?,
                    system,
                    circuit: Circuit::new(config.acquire_timeout()),
                }
            }
        };
        Ok(Self(Arc::new(Inner {
            role,
            store,
            bus: Bus::new(),
        })))
    }

    /// Which engine this is: for the few statements that must differ.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.0.store {
            Store::Sqlite { .. } => Engine::Sqlite,
            Store::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The service this database belongs to.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// What wakes the relay and the watchers of this process.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// Runs statements that only read, for one tenant. They share no snapshot.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from being reached.
    pub async fn read<T, E, F, Fut>(&self, tenant: TenantId, mut f: F) -> Result<T, E>
    where
        F: FnMut(Scoped) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        self.look(Some(tenant), move |access| f(Scoped::new(tenant, access)))
            .await
    }

    /// Runs one transaction for one tenant and commits when the closure answers `Ok`. The closure may run again
    /// (three times more at most) after a serialization failure or when it answered [`Scoped::stale`] or
    /// [`Scoped::raced`]; it must not have effects outside the store.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from committing.
    pub async fn write<T, E, F, Fut>(&self, tenant: TenantId, mut f: F) -> Result<T, E>
    where
        F: FnMut(Scoped) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        self.transact(Some(tenant), move |access| f(Scoped::new(tenant, access)))
            .await
    }

    /// Like [`Database::read`], over all tenants.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from being reached.
    pub async fn system_read<T, E, F, Fut>(&self, mut f: F) -> Result<T, E>
    where
        F: FnMut(System) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        self.look(None, move |access| f(System::new(access))).await
    }

    /// Like [`Database::write`], over all tenants.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from committing.
    pub async fn system_write<T, E, F, Fut>(&self, mut f: F) -> Result<T, E>
    where
        F: FnMut(System) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<Error> + Send,
    {
        self.transact(None, move |access| f(System::new(access)))
            .await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.system_read(|s| async move { s.raw_one("select 1 as one", []).await.map(|_| ()) })
            .await
    }

    /// Closes all connections; on SQLite the write-ahead log is folded into the file.
    pub async fn close(&self) {
        match &self.0.store {
            Store::Sqlite { writer, readers } => {
                let _ = readers.close_by_ref().await;
                let _ = writer.close_by_ref().await;
            }
            Store::Postgres {
                sessions, system, ..
            } => {
                sessions.close().await;
                let _ = system.close_by_ref().await;
            }
        }
    }
}
