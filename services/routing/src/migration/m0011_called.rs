//! When a process was called last, by whomever: one that nobody reaches gives way to one that is reached.

use rapport_foundation::schema::number;
use sea_orm_migration::prelude::{Alias, DbErr, DeriveMigrationName, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let called = Table::alter()
            .table(Alias::new("replica"))
            .add_column(number("called_at").default(0).take())
            .to_owned();
        manager.alter_table(called).await
    }
}
