//! SQLite: one writer and a few readers on one file.

use std::time::Duration;

use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use super::{DatabaseConfig, Error};

/// How long a statement waits for a lock of another process before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A transaction waits in line for the single writer; batches hold it for milliseconds.
const WRITER_TIMEOUT: Duration = Duration::from_secs(10);
/// Page cache of a reading connection in KiB: five databases with several each must fit into a small process.
const READER_CACHE_KIB: &str = "-1024";
/// That of the writing one. A batch goes down a dozen trees of a large file, and what it changes has to stay in memory
/// until it commits: pages that find no room are written to the log before, and again each time they change.
const WRITER_CACHE_KIB: &str = "-16384";
/// The log goes back into the file when it has so many pages, 16 MiB. What many batches change, such as the roots of
/// trees and the ends of those that grow at one end, goes back once for all of them.
const CHECKPOINT_PAGES: &str = "4096";
/// SQLite's page size unless a file was made with another one, which we never do.
const PAGES_PER_MIB: u64 = 256;

pub(crate) async fn open(
    config: &DatabaseConfig,
) -> Result<(DatabaseConnection, DatabaseConnection), Error> {
    let writer = writer(config).await?;
    let mut options = options(config, true)?;
    options
        .max_connections(readers())
        .min_connections(0)
        .idle_timeout(Duration::from_secs(60));
    let readers = Database::connect(options).await?;
    Ok((writer, readers))
}

/// Readers run beside the writer, one a core: more would only take memory, as each has a thread and a page cache of its
/// own. Two at least, so that a long one does not stop the others.
fn readers() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX).clamp(2, 8)
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
        .acquire_timeout(WRITER_TIMEOUT)
        .map_sqlx_sqlite_pool_opts(only_outside_transactions);
    Ok(Database::connect(options).await?)
}

/// SQLite ends a transaction by itself when the disk is full or fails. The driver does not notice: its rollback fails,
/// it goes on counting that transaction as open, and makes the next one a savepoint in it, which commits nothing.
/// Such a connection is closed and another one opened.
fn only_outside_transactions(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.before_acquire(|conn, _| Box::pin(std::future::ready(Ok(!conn.is_in_transaction()))))
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
    let pages = u64::from(config.max_size_mib) * PAGES_PER_MIB;
    let cache = match read_only {
        true => READER_CACHE_KIB,
        false => WRITER_CACHE_KIB,
    };
    options.map_sqlx_sqlite_opts(move |sqlite: SqliteConnectOptions| {
        let sqlite = match pages {
            0 => sqlite,
            pages => sqlite.pragma("max_page_count", pages.to_string()),
        };
        sqlite
            .filename(&path)
            .read_only(read_only)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged write survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", cache)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
    });
    Ok(options)
}
