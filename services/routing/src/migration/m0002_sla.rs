//! Calendars, policies, and what the clocks of tickets are made of.

use rapport_foundation::schema::{json, number, optional, text, uuid};
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, DeriveMigrationName, Index, SchemaManager, Table,
};
use sea_orm_migration::sea_query::{IndexCreateStatement, TableCreateStatement};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let waiting_on = Table::alter()
            .table("tickets")
            // For whom a pending ticket waits.
            .add_column(optional(text("waiting_on")))
            .to_owned();
        manager.alter_table(waiting_on).await?;
        for table in [
            named("calendars", "timetable"),
            versions("calendar_versions", "calendar_id", "timetable"),
            named("sla_policies", "promise"),
            versions("sla_policy_versions", "sla_policy_id", "promise"),
            ticket_slas(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            index("calendars", &["code"]).unique().to_owned(),
            index("sla_policies", &["code"]).unique().to_owned(),
            index("ticket_slas", &["next_at"]),
            index("ticket_slas", &["is_open", "ticket_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Things that are set up by hand, as they are now.
fn named(name: &'static str, body: &str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(text("code"))
        .col(text("display_name"))
        .col(json(body))
        .col(number("created_at"))
        .col(number("updated_at"))
        .col(number("version"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

/// As they ever were: what was promised can be told for ever.
fn versions(name: &'static str, of: &'static str, body: &str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("tenant_id"))
        .col(uuid(of))
        .col(number("version"))
        .col(json(body))
        .primary_key(Index::create().col("tenant_id").col(of).col("version"))
        .to_owned()
}

/// What happened to a ticket, what was done when time ran out, and when something is due next. One row a ticket, because
/// it is always read and written as a whole.
fn ticket_slas() -> TableCreateStatement {
    Table::create()
        .table("ticket_slas")
        .col(uuid("tenant_id"))
        .col(uuid("ticket_id"))
        .col(
            ColumnDef::new(Alias::new("is_open"))
                .boolean()
                .not_null()
                .to_owned(),
        )
        // NULL for a ticket whose history nobody kept: it is made up from the ticket.
        .col(optional(json("record")))
        .col(optional(number("next_at")))
        .primary_key(Index::create().col("tenant_id").col("ticket_id"))
        .to_owned()
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("{table}_by_{}", columns.join("_")))
        .table(table)
        .col("tenant_id");
    for column in columns {
        index.col(*column);
    }
    index
}
