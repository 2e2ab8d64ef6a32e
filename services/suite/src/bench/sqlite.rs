//! What SQLite alone does with rows like ours, in a file that the suite's own migrations made.

use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr,
    Statement, TransactionTrait as _,
};

use crate::error::Error;

/// A file and the one connection that writes to it.
pub(super) struct Raw {
    connection: DatabaseConnection,
    next: u64,
}

impl Raw {
    /// Opens a migrated file as the suite does: a log ahead of the file, and every commit on the disk.
    #[expect(
        clippy::disallowed_methods,
        reason = "the raw limit goes past the store"
    )]
    pub(super) async fn open(file: &Path) -> Result<Self, Error> {
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
        options
            .max_connections(1)
            .min_connections(1)
            .sqlx_logging(false);
        let connection = Database::connect(options).await.map_err(failed)?;
        for setting in [
            "journal_mode = wal",
            "synchronous = full",
            "cache_size = -65536",
        ] {
            connection
                .execute_unprepared(&format!("pragma {setting}"))
                .await
                .map_err(failed)?;
        }
        Ok(Self {
            connection,
            next: 0,
        })
    }

    /// Contacts in the file.
    #[expect(
        clippy::disallowed_methods,
        reason = "the raw limit goes past the store"
    )]
    pub(super) async fn count(&self) -> Result<u64, Error> {
        let count =
            Statement::from_string(DbBackend::Sqlite, "select count(*) as n from interaction");
        let row = self.connection.query_one_raw(count).await.map_err(failed)?;
        let count = row.map(|row| row.try_get::<i64>("", "n")).transpose();
        let count = count.map_err(failed)?.unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Rows a second, so many in one transaction.
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
    pub(super) async fn rows(&mut self, together: u64, lasting: Duration) -> Result<f64, Error> {
        let (begun, mut rows) = (Instant::now(), 0_u64);
        while begun.elapsed() < lasting {
            let numbers = self.next..self.next + together;
            self.next += together;
            insert(&self.connection, numbers).await.map_err(failed)?;
            rows += together;
        }
        Ok(rows as f64 / begun.elapsed().as_secs_f64())
    }
}

/// One statement a table, as the suite writes them.
#[expect(
    clippy::disallowed_methods,
    reason = "the raw limit goes past the store"
)]
async fn insert(
    connection: &DatabaseConnection,
    numbers: std::ops::Range<u64>,
) -> Result<(), DbErr> {
    let list =
        |row: &dyn Fn(u64) -> String| numbers.clone().map(row).collect::<Vec<_>>().join(", ");
    let tenant = "x'00000000000070008000000000000001'";
    let conversations = list(&|n| {
        format!(
            "({tenant}, x'{n:032x}', 'bench', x'{n:032x}', '5', 1, {n}, {n}, hex(zeroblob(32)), x'')"
        )
    });
    let interactions = list(&|n| {
        format!(
            "({tenant}, x'{n:032x}', x'{n:032x}', 1, 0, 'bench', 'x{n}', 1, 5, '', 1, 5, {n}, {n}, 0, 0, '', 0, '', 0, \
             hex(zeroblob(32)), zeroblob(32), zeroblob(420), x'')"
        )
    });
    let outbox = list(&|n| {
        format!(
            "({tenant}, x'{n:032x}', 'int_{n:026}', 'interaction_recorded', {n}, '', zeroblob(120))"
        )
    });
    let transaction = connection.begin().await?;
    for statement in [
        format!(
            "insert into conversation (tenant_id, id, connector, thread, channels, interactions, first_at, last_at, \
             subject_key, thread_key) values {conversations}"
        ),
        format!(
            "insert into interaction (tenant_id, id, conversation_id, conversation_position, asks_for_agent, connector, \
             external_id, kind, channel, provider, direction, purpose, event_at, received_at, history, automatic, order_id, order_units, \
             order_code, order_exponent, subject_key, content_digest, body, raw_payload) values {interactions}"
        ),
        format!(
            "insert into outbox (tenant_id, id, aggregate, kind, at, traceparent, data) values {outbox}"
        ),
    ] {
        transaction.execute_unprepared(&statement).await?;
    }
    transaction.commit().await
}

fn failed(error: DbErr) -> Error {
    Error::Bench(error.to_string())
}
