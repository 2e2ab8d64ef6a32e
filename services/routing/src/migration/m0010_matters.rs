//! Tickets that are one matter with others.

use rapport_foundation::schema::{number, optional, uuid};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
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
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
