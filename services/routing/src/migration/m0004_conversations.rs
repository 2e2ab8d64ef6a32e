//! Which conversations became part of which, as interactions says.

use rapport_foundation::schema::uuid;
use sea_orm_migration::prelude::{Alias, DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let part = Table::create()
            .table(Alias::new("conversation_part"))
            .col(uuid("tenant_id"))
            .col(uuid("change_id"))
            .col(uuid("whole_id"))
            .col(uuid("part_id"))
            .primary_key(Index::create().col("tenant_id").col("change_id"))
            .to_owned();
        manager.create_table(part).await?;
        let by_whole = Index::create()
            .name("conversation_part_by_whole")
            .table("conversation_part")
            .col("tenant_id")
            .col("whole_id")
            .to_owned();
        manager.create_index(by_whole).await
    }
}
