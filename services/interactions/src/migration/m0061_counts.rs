//! How many contacts there were, by quarters of an hour.

use rapport_foundation::schema::{number, small, text, uuid};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Index::create();
        for column in [
            "tenant_id",
            "quarter",
            "channel",
            "direction",
            "purpose",
            "kind",
            "asks",
            "provider",
            "connector",
        ] {
            key.col(column);
        }
        let table = Table::create()
            .table("interaction_count")
            .col(uuid("tenant_id"))
            .col(number("quarter"))
            .col(small("channel"))
            .col(small("direction"))
            // 0 where it is not known.
            .col(small("purpose"))
            .col(small("kind"))
            .col(small("asks"))
            .col(text("provider"))
            .col(text("connector"))
            .col(number("n"))
            .primary_key(&mut key)
            .to_owned();
        manager.create_table(table).await
    }
}
