//! The processes that may decide. Of no tenant: each decides for many.

use rapport_foundation::schema::{number, text, uuid};
use sea_orm_migration::prelude::{Alias, DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let replica = Table::create()
            .table(Alias::new("replica"))
            .col(uuid("id"))
            .col(text("address"))
            .col(number("started_at"))
            .col(number("until"))
            .primary_key(Index::create().col(Alias::new("id")))
            .to_owned();
        manager.create_table(replica).await
    }
}
