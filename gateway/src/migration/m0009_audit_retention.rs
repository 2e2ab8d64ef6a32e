//! The audit trail may end at an age. The wall stays where it was for everything younger: the engine itself, by its own clock,
//! refuses to delete what was not anchored thirty days ago. Whoever has our login cannot take away what they did this month.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;

use super::index;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_audit_retention"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A row is as old as the first anchor behind it says.
        for (name, columns) in [
            ("audit_anchors_by_chain", &["replica_id", "seq"]),
            ("audit_anchors_by_time", &["at", "n"]),
        ] {
            let index = index("audit_anchors", name, columns);
            manager.create_index(index).await?;
        }
        let_go_of_the_old(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// `AuditConfig` allows no shorter time.
const MICROS_OF_THIRTY_DAYS: i64 = 30 * 86_400 * 1_000_000;

/// Whether the row that is to go was anchored long ago.
fn old(now: &str) -> String {
    format!(
        "exists (select 1 from audit_anchors a where a.replica_id = old.replica_id and a.seq >= old.seq \
         and a.at < {now} - {MICROS_OF_THIRTY_DAYS})"
    )
}

/// Anchors are not let go of: what remains hangs on them.
#[expect(clippy::disallowed_methods, reason = "triggers are of no tenant")]
async fn let_go_of_the_old(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let postgres = conn.get_database_backend() == DbBackend::Postgres;
    if postgres {
        let old = old("(extract(epoch from clock_timestamp()) * 1000000)::bigint");
        conn.execute_unprepared(&format!(
            "create function audit_lets_go_of_the_old() returns trigger language plpgsql as $$ begin \
             if {old} then return old; end if; \
             raise exception 'the audit trail is append-only: this is too young to go'; end $$"
        ))
        .await?;
    }
    for table in ["audit_entries", "audit_resources"] {
        let statements = match postgres {
            true => [
                format!("drop trigger {table}_kept on {table}"),
                format!(
                    "create trigger {table}_kept before update or truncate on {table} \
                     for each statement execute function audit_is_append_only()"
                ),
                format!(
                    "create trigger {table}_no_delete before delete on {table} \
                     for each row execute function audit_lets_go_of_the_old()"
                ),
            ],
            false => [
                format!("drop trigger {table}_no_delete"),
                format!(
                    "create trigger {table}_no_delete before delete on {table} when not {} \
                     begin select raise(abort, 'the audit trail is append-only: this is too young to go'); end",
                    old("unixepoch() * 1000000")
                ),
                String::new(),
            ],
        };
        for statement in statements.iter().filter(|statement| !statement.is_empty()) {
            conn.execute_unprepared(statement).await?;
        }
    }
    Ok(())
}
