//! Who it was: links of interactions and conversations to source records, what is still pending, and the map from
//! record to customer. A merge changes the map only.

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
        for table in [
            interaction_link(),
            conversation_link(),
            pending_link(),
            record_customer(),
        ] {
            manager.create_table(table).await?;
        }
        let due = Index::create()
            .name("pending_link_due")
            .table("pending_link")
            .col("next_at")
            .to_owned();
        for index in [
            index(
                "interaction_link",
                "interaction_link_record",
                &["record_id", "event_at", "interaction_id"],
            ),
            index(
                "conversation_link",
                "conversation_link_record",
                &["record_id"],
            ),
            // The sweep looks across tenants.
            due,
            index(
                "record_customer",
                "record_customer_customer",
                &["customer_id"],
            ),
            index("record_customer", "record_customer_origin", &["origin_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn interaction_link() -> TableCreateStatement {
    Table::create()
        .table("interaction_link")
        .col(uuid("tenant_id"))
        .col(uuid("interaction_id"))
        .col(small_integer("state"))
        // Nil where there is nobody to recognise.
        .col(uuid("record_id"))
        .col(big_integer("event_at"))
        .col(big_integer("linked_at"))
        .col(text("note"))
        .primary_key(Index::create().col("tenant_id").col("interaction_id"))
        .to_owned()
}

fn conversation_link() -> TableCreateStatement {
    Table::create()
        .table("conversation_link")
        .col(uuid("tenant_id"))
        .col(uuid("conversation_id"))
        .col(uuid("record_id"))
        .primary_key(Index::create().col("tenant_id").col("conversation_id"))
        .to_owned()
}

fn pending_link() -> TableCreateStatement {
    Table::create()
        .table("pending_link")
        .col(uuid("tenant_id"))
        .col(uuid("interaction_id"))
        .col(big_integer("attempts"))
        .col(big_integer("next_at"))
        // What the event will say of the interaction: ids, codes and times, encoded as the event carries them.
        .col(blob("facts"))
        .col(text("traceparent"))
        .primary_key(Index::create().col("tenant_id").col("interaction_id"))
        .to_owned()
}

fn record_customer() -> TableCreateStatement {
    Table::create()
        .table("record_customer")
        .col(uuid("tenant_id"))
        .col(uuid("record_id"))
        .col(uuid("customer_id"))
        // The customer the record was first known under: a merged customer is still known, it has nothing of its own.
        .col(uuid("origin_id"))
        .primary_key(Index::create().col("tenant_id").col("record_id"))
        .to_owned()
}
