//! When customers were called back, and whose work was that of a second agent who was asked. Whether a contact was on hold
//! when they came together.

use rapport_foundation::schema::{flag, number, optional};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            optional(number("callback_called_at")),
            flag("was_asked"),
            flag("held_before"),
        ] {
            // SQLite adds one at a time.
            let added = Table::alter()
                .table("work_items")
                .add_column(column)
                .to_owned();
            manager.alter_table(added).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
