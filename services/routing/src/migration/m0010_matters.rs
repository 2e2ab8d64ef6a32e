//! Tickets that are one matter with others.

use rapport_foundation::schema::{bytes, number, optional, uuid};
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
        let columns = [
            optional(uuid("merged_into_id")),
            number("merged_count").default(0).to_owned(),
            optional(uuid("split_from_id")),
            optional(uuid("repeat_of_id")),
            // Sealed like the words of the ticket.
            optional(bytes("resolution")),
        ];
        for column in columns {
            // SQLite adds one at a time.
            let add = Table::alter()
                .table("tickets")
                .add_column(column)
                .to_owned();
            manager.alter_table(add).await?;
        }
        for column in ["merged_into_id", "parent_id"] {
            let index = Index::create()
                .name(format!("tickets_by_{column}"))
                .table("tickets")
                .col("tenant_id")
                .col(column)
                .col("id")
                .to_owned();
            manager.create_index(index).await?;
        }
        manager.create_table(picks()).await?;
        manager.create_table(repeat_rules()).await?;
        let by_time = Index::create()
            .name("ticket_picks_by_time")
            .table("ticket_picks")
            .col("picked_at")
            .to_owned();
        manager.create_index(by_time).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Tickets that calls over many are about.
fn picks() -> TableCreateStatement {
    Table::create()
        .table("ticket_picks")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(number("picked_at"))
        .col(ColumnDef::new("ticket_ids").json_binary().not_null())
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

/// What counts as a repeated contact: a row for each tenant that said so.
fn repeat_rules() -> TableCreateStatement {
    Table::create()
        .table("repeat_rules")
        .col(uuid("tenant_id"))
        .col(number("within_s"))
        .col(number("version"))
        .primary_key(Index::create().col("tenant_id"))
        .to_owned()
}
