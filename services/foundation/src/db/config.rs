//! Where a service's database is.

use std::path::PathBuf;

use sea_orm::DbBackend;

use super::Error;

/// Where a service keeps its data. PostgreSQL needs three logins, so that no mistake in a query can cross tenants:
/// the owner migrates, the app login is held by row security, the system login serves the relay and the sweeps.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite:PATH`, or `postgres://app:password@host/database` with the login that is held by row security.
    pub url: String,
    /// PostgreSQL only: the login of relay, batchers and sweeps, which sees all tenants.
    pub system_url: String,
    /// PostgreSQL only: the owner of the schema; needed by migrations and never while serving.
    pub owner_url: String,
    /// SQLite only: the file never grows beyond so many MiB; what would need more is refused as RESOURCE_EXHAUSTED.
    /// 0 leaves it to the disk.
    pub max_size_mib: u32,
    /// PostgreSQL sessions for calls, one statement each at a time. Two for each core of the database is a start.
    pub max_connections: u32,
    /// PostgreSQL sessions for the system login.
    pub system_connections: u32,
    /// A statement that runs longer is ended, in milliseconds: above the longest deadline of an interactive call.
    pub statement_timeout_ms: u64,
    /// How long a call waits for a free session or for a connection to be made, in milliseconds.
    pub acquire_timeout_ms: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            system_url: String::new(),
            owner_url: String::new(),
            max_size_mib: 0,
            max_connections: 12,
            system_connections: 4,
            statement_timeout_ms: 15_000,
            acquire_timeout_ms: 3_000,
        }
    }
}

impl std::fmt::Debug for DatabaseConfig {
    /// Addresses hold passwords: only the kind of engine is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.url.split(':').next().unwrap_or_default();
        f.debug_struct("DatabaseConfig")
            .field("engine", &scheme)
            .finish_non_exhaustive()
    }
}

impl DatabaseConfig {
    /// A SQLite file; its folder is made when missing.
    #[must_use]
    pub fn sqlite(path: impl AsRef<std::path::Path>) -> Self {
        Self {
            url: format!("sqlite:{}", path.as_ref().display()),
            ..Self::default()
        }
    }

    /// PostgreSQL with its three logins.
    #[must_use]
    pub fn postgres(
        app: impl Into<String>,
        system: impl Into<String>,
        owner: impl Into<String>,
    ) -> Self {
        Self {
            url: app.into(),
            system_url: system.into(),
            owner_url: owner.into(),
            ..Self::default()
        }
    }

    /// Which engine the address names.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] for any other scheme.
    pub fn engine(&self) -> Result<DbBackend, Error> {
        match self.url.split(':').next() {
            Some("sqlite") => Ok(DbBackend::Sqlite),
            Some("postgres" | "postgresql") => Ok(DbBackend::Postgres),
            _ => Err(Error::Misconfigured(
                "the database address is neither sqlite: nor postgres://".into(),
            )),
        }
    }

    pub(crate) fn acquire_timeout(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.acquire_timeout_ms)
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let path = self.url.strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_shown() {
        let config = DatabaseConfig::postgres("postgres://app:secret@db/p", "", "");
        assert!(!format!("{config:?}").contains("secret"));
        assert_eq!(
            DatabaseConfig::sqlite("/x/a b.db").sqlite_path(),
            Some(PathBuf::from("/x/a b.db"))
        );
    }
}
