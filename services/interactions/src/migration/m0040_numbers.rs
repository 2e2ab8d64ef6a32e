//! Numbers that are kept sealed beside the texts they were taken out of, and what a tenant wants to become of them.

use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::schema::{big_integer, blob, boolean, small_integer, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["interaction", "interaction_conflict", "interaction_fact"] {
            let numbers = Table::alter()
                .table(table)
                .add_column(blob("numbers").default(Vec::<u8>::new()))
                .to_owned();
            manager.alter_table(numbers).await?;
        }
        let policy = Table::create()
            .table("number_policy")
            .col(uuid("tenant_id"))
            .col(big_integer("version"))
            .col(small_integer("cards"))
            .col(small_integer("accounts"))
            .col(small_integer("identities"))
            .col(small_integer("secrets"))
            .col(boolean("keep_last_four"))
            .col(big_integer("changed_at"))
            .primary_key(Index::create().col("tenant_id"))
            .to_owned();
        manager.create_table(policy).await
    }
}
