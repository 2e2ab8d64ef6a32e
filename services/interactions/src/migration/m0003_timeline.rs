//! What other services say about a customer, shown among the interactions.

use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::schema::{big_integer, small_integer, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("timeline_projection")
            .col(uuid("tenant_id"))
            .col(uuid("event_id"))
            .col(big_integer("at"))
            // Nil until the customer is known.
            .col(uuid("record_id"))
            .col(uuid("conversation_id"))
            // 1 ticket, 2 points.
            .col(small_integer("about"))
            .col(small_integer("change"))
            .col(uuid("resource_id"))
            .col(uuid("member_id"))
            .col(big_integer("points_units"))
            .col(text("points_code"))
            .col(small_integer("points_exponent"))
            .primary_key(Index::create().col("tenant_id").col("event_id"))
            .to_owned();
        manager.create_table(table).await?;
        for index in [
            index(
                "timeline_projection",
                "timeline_projection_record",
                &["record_id", "at", "event_id"],
            ),
            index(
                "timeline_projection",
                "timeline_projection_conversation",
                &["conversation_id"],
            ),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
