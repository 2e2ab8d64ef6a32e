//! The tables every service has, as one migration that each service lists first.

use sea_orm::{ConnectionTrait as _, Statement};
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, Index, MigrationName, MigrationTrait, SchemaManager, Table,
    async_trait,
};
use sea_orm_migration::sea_query::{IndexCreateStatement, TableCreateStatement};
use uuid::Uuid;

use crate::time::Clock;

mod columns;

pub use columns::{bytes, flag, json, number, optional, small, text, uuid};

/// The shared tables: idempotency, outbox, log, log heads and epochs, the relay's lease, high-water marks, parked
/// events and subject keys.
#[must_use]
pub fn shared() -> Box<dyn MigrationTrait> {
    Box::new(Shared)
}

struct Shared;

impl MigrationName for Shared {
    fn name(&self) -> &str {
        "m0000_shared"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Shared {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            idempotency(),
            outbox(),
            log(),
            log_head(),
            log_epoch(),
            relay_lease(),
            consumed(),
            parked(),
            subject_keys(),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        first_rows(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The first epoch, and a lease that nobody holds.
#[expect(
    clippy::disallowed_methods,
    reason = "rows of the database itself, of no tenant"
)]
async fn first_rows(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let engine = conn.get_database_backend();
    let now = Clock::system().now().0;
    let epoch = "insert into log_epoch (one, epoch, started_at) values (1, $1, $1)";
    conn.execute_raw(Statement::from_sql_and_values(engine, epoch, [now.into()]))
        .await?;
    let lease = "insert into relay_lease (one, holder, until) values (1, $1, 0)";
    conn.execute_raw(Statement::from_sql_and_values(
        engine,
        lease,
        [Uuid::nil().into()],
    ))
    .await?;
    Ok(())
}

fn table(name: &str) -> TableCreateStatement {
    Table::create().table(Alias::new(name)).to_owned()
}

fn key(table: &mut TableCreateStatement, columns: &[&str]) -> TableCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(Alias::new(*column));
    }
    table.primary_key(&mut index).to_owned()
}

/// What a request id was used for, so that a repetition is answered and never done twice.
fn idempotency() -> TableCreateStatement {
    let mut t = table("idempotency");
    t.col(uuid("tenant_id"))
        .col(text("principal"))
        .col(text("method"))
        .col(uuid("request_id"))
        .col(bytes("hash"))
        .col(optional(
            ColumnDef::new(Alias::new("result_id")).uuid().to_owned(),
        ))
        .col(optional(
            ColumnDef::new(Alias::new("result_version"))
                .big_integer()
                .to_owned(),
        ))
        .col(ColumnDef::new(Alias::new("permanent")).boolean().not_null())
        .col(number("created_at"));
    key(&mut t, &["tenant_id", "principal", "method", "request_id"])
}

/// Events of committed transactions that have no position yet. `seq` is the order of insertion, not of commit.
fn outbox() -> TableCreateStatement {
    let mut t = table("outbox");
    t.col(
        ColumnDef::new(Alias::new("seq"))
            .big_integer()
            .not_null()
            .auto_increment()
            .primary_key(),
    );
    event_columns(&mut t);
    t.to_owned()
}

/// Events with their gap-free position.
fn log() -> TableCreateStatement {
    let mut t = table("log");
    t.col(number("epoch")).col(number("n"));
    event_columns(&mut t);
    key(&mut t, &["tenant_id", "epoch", "n"])
}

fn event_columns(t: &mut TableCreateStatement) {
    t.col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(text("aggregate"))
        .col(text("kind"))
        .col(number("at"))
        .col(text("traceparent"))
        .col(bytes("data"));
}

fn log_head() -> TableCreateStatement {
    let mut t = table("log_head");
    t.col(uuid("tenant_id"))
        .col(number("epoch"))
        .col(number("n"))
        .col(number("moved_at"));
    key(&mut t, &["tenant_id"])
}

/// One row for the whole database: the epoch that positions are given in.
fn log_epoch() -> TableCreateStatement {
    let mut t = table("log_epoch");
    t.col(number("one"))
        .col(number("epoch"))
        .col(number("started_at"));
    key(&mut t, &["one"])
}

/// One row for the whole database: which process moves events from the outbox to the log.
fn relay_lease() -> TableCreateStatement {
    let mut t = table("relay_lease");
    t.col(number("one"))
        .col(uuid("holder"))
        .col(number("until"));
    key(&mut t, &["one"])
}

/// How far another service's log was applied here.
fn consumed() -> TableCreateStatement {
    let mut t = table("consumed");
    t.col(uuid("tenant_id"))
        .col(text("source"))
        .col(number("epoch"))
        .col(number("n"))
        .col(number("moved_at"));
    key(&mut t, &["tenant_id", "source"])
}

/// Events that could not be applied, with those of the same aggregate that came after them.
fn parked() -> TableCreateStatement {
    let mut t = table("parked_events");
    t.col(uuid("tenant_id"))
        .col(text("source"))
        .col(number("epoch"))
        .col(number("n"))
        .col(uuid("id"))
        .col(text("aggregate"))
        .col(text("kind"))
        .col(text("reason"))
        .col(bytes("event"))
        .col(number("parked_at"));
    key(&mut t, &["tenant_id", "source", "epoch", "n"])
}

/// The wrapped data key of each subject; without one it was destroyed.
fn subject_keys() -> TableCreateStatement {
    let mut t = table("subject_keys");
    t.col(uuid("tenant_id"))
        .col(text("subject"))
        .col(number("generation"))
        .col(optional(
            ColumnDef::new(Alias::new("wrapped")).binary().to_owned(),
        ))
        .col(number("created_at"))
        .col(optional(
            ColumnDef::new(Alias::new("destroyed_at"))
                .big_integer()
                .to_owned(),
        ));
    key(&mut t, &["tenant_id", "subject"])
}

fn indexes() -> Vec<IndexCreateStatement> {
    [("idempotency", "created_at"), ("log_head", "moved_at")]
        .into_iter()
        .map(|(table, column)| {
            Index::create()
                .name(format!("{table}_by_{column}"))
                .table(Alias::new(table))
                .col(Alias::new(column))
                .to_owned()
        })
        .collect()
}
