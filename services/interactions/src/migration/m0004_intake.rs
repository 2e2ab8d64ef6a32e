//! What a tenant wants an agent to see.

use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::schema::{big_integer, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("intake_rules")
            .col(uuid("tenant_id"))
            .col(big_integer("version"))
            .col(text("rules"))
            .col(big_integer("changed_at"))
            .primary_key(Index::create().col("tenant_id"))
            .to_owned();
        manager.create_table(table).await
    }
}
