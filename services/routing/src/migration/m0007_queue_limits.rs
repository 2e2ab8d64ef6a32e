//! How many may wait in a queue, and where others go.

use rapport_foundation::schema::{number, optional, uuid};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [number("most_waiting"), uuid("overflow_id")] {
            let added = Table::alter()
                .table("queues")
                .add_column(optional(column))
                .to_owned();
            manager.alter_table(added).await?;
        }
        Ok(())
    }
}
