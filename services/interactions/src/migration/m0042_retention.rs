//! How long contacts are kept, and what must be kept whatever the rules say.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, blob, small_integer, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rules = Table::create()
            .table("retention_rules")
            .col(uuid("tenant_id"))
            .col(big_integer("version"))
            .col(text("rules"))
            .col(big_integer("changed_at"))
            .primary_key(Index::create().col("tenant_id"))
            .to_owned();
        manager.create_table(rules).await?;
        manager.create_table(hold()).await?;
        manager
            .create_index(index(
                "legal_hold",
                "legal_hold_standing",
                &["released_at", "target"],
            ))
            .await
    }
}

fn hold() -> TableCreateStatement {
    Table::create()
        .table("legal_hold")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        // 1 everything, 2 a customer, 3 a conversation.
        .col(small_integer("reach"))
        // Nil where it is over everything.
        .col(uuid("target"))
        // Sealed with a key of the hold's own.
        .col(blob("reason"))
        .col(big_integer("placed_at"))
        // 0 while it stands.
        .col(big_integer("released_at"))
        .col(blob("release_reason"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}
