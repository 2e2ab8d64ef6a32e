//! What remains of contacts that were forgotten, so that a repetition of one is known as such.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, blob, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(forgotten()).await?;
        let over = Index::create()
            .name("forgotten_contact_until")
            .table("forgotten_contact")
            .col("until_at")
            .to_owned();
        // The sweep looks across tenants.
        manager.create_index(over).await?;
        let state = Table::create()
            .table("erasure_state")
            .col(uuid("tenant_id"))
            // Raised with every erasure: keys that are held in memory are read again.
            .col(big_integer("erasures"))
            .primary_key(Index::create().col("tenant_id"))
            .to_owned();
        manager.create_table(state).await
    }
}

fn forgotten() -> TableCreateStatement {
    Table::create()
        .table("forgotten_contact")
        .col(uuid("tenant_id"))
        .col(text("connector"))
        // The blind index of the external id, which may say who it was.
        .col(blob("key_blind"))
        .col(uuid("interaction_id"))
        // Until when a repetition is known.
        .col(big_integer("until_at"))
        .primary_key(
            Index::create()
                .col("tenant_id")
                .col("connector")
                .col("key_blind"),
        )
        .to_owned()
}
