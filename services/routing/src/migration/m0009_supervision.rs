//! What is counted of work, when it is to be answered, how agents spend their time.

use rapport_foundation::schema::{flag, number, optional, uuid};
use sea_orm_migration::prelude::{
    ColumnDef, DbErr, DeriveMigrationName, Index, SchemaManager, Table,
};
use sea_orm_migration::sea_query::TableCreateStatement;
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let queues = of_queues().map(|column| ("queues", column));
        let items = of_work_items().map(|column| ("work_items", column));
        for (table, column) in queues.into_iter().chain(items) {
            // SQLite adds one at a time.
            let added = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(added).await?;
        }
        manager.create_table(spells()).await?;
        for (table, column) in [("work_items", "ended_at"), ("agent_spells", "ended_at")] {
            let index = Index::create()
                .name(format!("{table}_by_{column}"))
                .table(table)
                .col("tenant_id")
                .col(column)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn of_queues() -> [ColumnDef; 2] {
    [
        number("answer_target").default(20_000_000).to_owned(),
        number("short_abandon").default(0).to_owned(),
    ]
}

fn of_work_items() -> [ColumnDef; 8] {
    [
        optional(number("answered_at")),
        optional(uuid("answered_queue_id")),
        flag("in_time"),
        flag("left_early"),
        number("handled_before").default(0).to_owned(),
        flag("over_capacity"),
        optional(number("promised_p50")),
        optional(number("promised_p90")),
    ]
}

/// Stretches of time in which an agent was busy, or idle and available.
fn spells() -> TableCreateStatement {
    Table::create()
        .table("agent_spells")
        .col(uuid("tenant_id"))
        .col(uuid("agent_id"))
        .col(number("began_at"))
        .col(optional(number("ended_at")))
        .col(flag("busy"))
        .primary_key(
            Index::create()
                .col("tenant_id")
                .col("agent_id")
                .col("began_at"),
        )
        .to_owned()
}
