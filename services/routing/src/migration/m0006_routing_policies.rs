//! The policy that says where work goes, what it chose for tickets, and the way of work from target to target.

use rapport_foundation::schema::{json, number, optional, text, uuid};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let route = Table::alter()
            .table("work_items")
            // NULL for work that waits in one queue.
            .add_column(optional(json("route")))
            .to_owned();
        manager.alter_table(route).await?;
        let policies = Table::create()
            .table("routing_policies")
            .col(uuid("tenant_id"))
            .col(uuid("id"))
            .col(number("version"))
            .col(text("state"))
            .col(json("rules"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .col(optional(number("published_at")))
            .col(number("revision"))
            .primary_key(Index::create().col("tenant_id").col("id"))
            .to_owned();
        manager.create_table(policies).await?;
        let routes = Table::create()
            .table("ticket_routes")
            .col(uuid("tenant_id"))
            .col(uuid("ticket_id"))
            .col(json("record"))
            .primary_key(Index::create().col("tenant_id").col("ticket_id"))
            .to_owned();
        manager.create_table(routes).await?;
        let by_version = Index::create()
            .name("routing_policies_by_version")
            .table("routing_policies")
            .col("tenant_id")
            .col("version")
            .unique()
            .to_owned();
        manager.create_index(by_version).await?;
        let by_state = Index::create()
            .name("routing_policies_by_state")
            .table("routing_policies")
            .col("tenant_id")
            .col("state")
            .to_owned();
        manager.create_index(by_state).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
