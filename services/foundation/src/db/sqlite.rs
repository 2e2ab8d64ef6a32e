//! SQLite: one writer and a few readers on one file.

use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use super::{DatabaseConfig, Error};

/// Readers run beside the writer; more would only take memory, as each has a thread and a page cache of its own.
const READERS: u32 = 4;
/// How long a statement waits for a lock of another process before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A transaction waits in line for the single writer; batches hold it for milliseconds.
const WRITER_TIMEOUT: Duration = Duration::from_secs(10);
/// Page cache of one connection in KiB: five databases with five connections each must fit into a small process.
const CACHE_KIB: &str = "-1024";

pub(crate) async fn open(
    config: &DatabaseConfig,
) -> Result<(DatabaseConnection, DatabaseConnection), Error> {
    let writer = writer(config).await?;
    let mut options = options(config, true)?;
    options
        .max_connections(READERS)
        .min_connections(0)
        .idle_timeout(Duration::from_secs(60));
    let readers = Database::connect(options).await?;
    Ok((writer, readers))
}

/// The single writing connection; makes the file and its folder when missing.
pub(crate) async fn writer(config: &DatabaseConfig) -> Result<DatabaseConnection, Error> {
    if let Some(folder) = config
        .sqlite_path()
        .as_deref()
        .and_then(std::path::Path::parent)
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::Misconfigured(format!("the database's folder cannot be made: {error}"))
        })?;
    }
    let mut options = options(config, false)?;
    options
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .acquire_timeout(WRITER_TIMEOUT);
    Ok(Database::connect(options).await?)
}

fn options(config: &DatabaseConfig, read_only: bool) -> Result<ConnectOptions, Error> {
    let path = config
        .sqlite_path()
        .ok_or_else(|| Error::Misconfigured("no path of a SQLite file".into()))?;
    // The real path is set below: inside an address it would have to be percent-encoded.
    let mut options = ConnectOptions::new(if read_only {
        "sqlite://file?mode=ro"
    } else {
        "sqlite://file?mode=rwc"
    });
    options
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options.map_sqlx_sqlite_opts(move |sqlite: SqliteConnectOptions| {
        sqlite
            .filename(&path)
            .read_only(read_only)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged write survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", CACHE_KIB)
    });
    Ok(options)
}
