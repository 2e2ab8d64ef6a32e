//! What can go wrong in a store, as callers need to tell it apart. The one place that reads engine error codes.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

/// A failed access to the store. The text of the engine is for the log only.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The row was changed since it was read. Made by [`super::Scoped::stale`], so that the transaction is repeated.
    #[error("the row was changed since it was read")]
    #[non_exhaustive]
    Stale,
    /// A concurrent transaction came first. Made by [`super::Scoped::raced`], so that the transaction is repeated.
    #[error("a concurrent transaction came first")]
    #[non_exhaustive]
    Raced,
    /// A row with this key is there already.
    #[error("a row with this key exists")]
    Unique,
    /// No session, or no lock, within the time allowed; or the statement ran too long.
    #[error("the store is busy")]
    Busy,
    /// Nothing answers, or the connection broke; a commit in progress may or may not have happened.
    #[error("the store cannot be reached")]
    Unreachable,
    /// No space left.
    #[error("the store is full")]
    Full,
    /// The key of a sealed value was destroyed: the value is gone for good.
    #[error("the value was erased")]
    Erased,
    /// Stored bytes are not what was stored: a damaged file, or a sealed value moved to another row.
    #[error("stored data is corrupt: {0}")]
    Corrupt(&'static str),
    /// The configuration or a statement of ours is not acceptable.
    #[error("misconfigured: {0}")]
    Misconfigured(String),
    /// Anything else the engine says.
    #[error("the store failed: {0}")]
    Engine(#[source] DbErr),
}

impl Error {
    /// Whether the transaction may simply be run again at once.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Stale | Self::Raced)
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Self::Busy,
            DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Self::Unreachable,
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                of_driver(cause).unwrap_or(Self::Engine(error))
            }
            _ => Self::Engine(error),
        }
    }
}

fn of_driver(error: &sqlx::Error) -> Option<Error> {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code()?;
            match code.parse::<u32>() {
                // SQLite gives its extended result code as a number of up to four digits; PostgreSQL five characters.
                Ok(number) if code.len() < 5 => of_sqlite(number),
                _ => of_postgres(&code),
            }
        }
        sqlx::Error::PoolTimedOut => Some(Error::Busy),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(Error::Unreachable),
        _ => None,
    }
}

fn of_sqlite(code: u32) -> Option<Error> {
    match (code, code & 0xff) {
        (1555 | 2067, _) => Some(Error::Unique),
        // BUSY and LOCKED, with BUSY_SNAPSHOT (517), which no waiting cures.
        (_, 5 | 6) => Some(Error::Raced),
        (_, 11 | 26) => Some(Error::Corrupt("the file is damaged")),
        (_, 13) => Some(Error::Full),
        (_, 10 | 14) => Some(Error::Unreachable),
        _ => None,
    }
}

fn of_postgres(state: &str) -> Option<Error> {
    match state {
        "40001" | "40P01" => Some(Error::Raced),
        "23505" => Some(Error::Unique),
        "53100" => Some(Error::Full),
        // A statement or lock timeout, or no memory for it.
        "57014" | "55P03" | "53200" => Some(Error::Busy),
        // Shutting down, starting up, too many connections, a standby that cannot write, or a session that was ended because
        // nothing came from us for too long: we were stopped, or cut off.
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006" | "25P03" | "25P04" => {
            Some(Error::Unreachable)
        }
        "XX001" | "XX002" => Some(Error::Corrupt("a page is damaged")),
        _ if state.starts_with("08") => Some(Error::Unreachable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_codes_are_told_apart() {
        assert!(matches!(of_sqlite(517), Some(Error::Raced)));
        assert!(matches!(of_sqlite(2067), Some(Error::Unique)));
        assert!(matches!(of_sqlite(13), Some(Error::Full)));
        assert!(of_sqlite(1).is_none());
        assert!(matches!(of_postgres("40P01"), Some(Error::Raced)));
        assert!(matches!(of_postgres("08006"), Some(Error::Unreachable)));
        assert!(matches!(of_postgres("57014"), Some(Error::Busy)));
        assert!(matches!(of_postgres("25P03"), Some(Error::Unreachable)));
        assert!(of_postgres("22021").is_none());
    }
}
