//! The audit trail: what is in it stays as it is.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [entries(), resources(), anchors()] {
            manager.create_table(table).await?;
        }
        let mut chain = Index::create();
        chain
            .name("audit_entries_by_chain")
            .table(Alias::new(ENTRIES))
            .col(Alias::new("replica_id"))
            .col(Alias::new("seq"))
            .unique();
        manager.create_index(chain).await?;
        keep(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const ENTRIES: &str = "audit_entries";
const RESOURCES: &str = "audit_resources";
const ANCHORS: &str = "audit_anchors";

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).not_null().to_owned()
}

fn key(columns: &[&str]) -> IndexCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(Alias::new(*column));
    }
    key
}

/// One row a call, found by its tenant and time.
fn entries() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table(Alias::new(ENTRIES))
        .col(column("tenant_id").uuid())
        .col(column("at").big_integer())
        .col(column("replica_id").uuid())
        .col(column("seq").big_integer())
        .col(column("duration_us").big_integer())
        .col(column("principal").text())
        .col(column("kind").small_integer())
        .col(column("on_behalf_of").text())
        .col(column("method").text())
        .col(column("outcome").small_integer())
        .col(column("resources").text())
        .col(column("resource_count").big_integer())
        .col(column("untold").boolean())
        .col(column("request_id").text())
        .col(column("trace_id").text())
        .col(column("hash").binary())
        .primary_key(&mut key(&["tenant_id", "at", "replica_id", "seq"]));
    table
}

/// The same calls, found by what they named.
fn resources() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table(Alias::new(RESOURCES))
        .col(column("tenant_id").uuid())
        .col(column("resource_id").uuid())
        .col(column("at").big_integer())
        .col(column("replica_id").uuid())
        .col(column("seq").big_integer())
        .primary_key(&mut key(&[
            "tenant_id",
            "resource_id",
            "at",
            "replica_id",
            "seq",
        ]));
    table
}

/// Where the chains of all processes stood, in one chain of its own. Of no tenant.
fn anchors() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table(Alias::new(ANCHORS))
        .col(column("n").big_integer().primary_key())
        .col(column("replica_id").uuid())
        .col(column("seq").big_integer())
        .col(column("head").binary())
        .col(column("at").big_integer())
        .col(column("hash").binary());
    table
}

/// The engine itself refuses to change or to delete.
#[expect(clippy::disallowed_methods, reason = "triggers are of no tenant")]
async fn keep(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let postgres = conn.get_database_backend() == DbBackend::Postgres;
    if postgres {
        conn.execute_unprepared(
            "create function audit_is_append_only() returns trigger language plpgsql as \
             $$ begin raise exception 'the audit trail is append-only'; end $$",
        )
        .await?;
    }
    for table in [ENTRIES, RESOURCES, ANCHORS] {
        let mut statements = Vec::new();
        if postgres {
            statements.push(format!(
                "create trigger {table}_kept before update or delete or truncate on {table} \
                 for each statement execute function audit_is_append_only()"
            ));
        } else {
            for verb in ["update", "delete"] {
                statements.push(format!(
                    "create trigger {table}_no_{verb} before {verb} on {table} \
                     begin select raise(abort, 'the audit trail is append-only'); end"
                ));
            }
        }
        for statement in statements {
            conn.execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}
