//! The log itself: interactions, their conversations, what was refused, and how live contacts ended.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, IndexCreateStatement, SchemaManager, Table,
    TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, blob, boolean, small_integer, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [interaction(), conversation(), conflict(), contact_end()] {
            manager.create_table(table).await?;
        }
        let log = |name, columns| index("interaction", name, columns);
        let matters = |name, columns| index("conversation", name, columns);
        let refused = |name, columns| index("interaction_conflict", name, columns);
        for index in [
            unique(log("interaction_key", &["connector", "external_id"])),
            log("interaction_newest", &["event_at", "id"]),
            log(
                "interaction_conversation",
                &["conversation_id", "event_at", "id"],
            ),
            unique(matters("conversation_thread", &["connector", "thread"])),
            matters("conversation_latest", &["last_at", "id"]),
            // The same refused content is kept once, however often a connector repeats it.
            unique(refused(
                "conflict_content",
                &["interaction_id", "content_digest"],
            )),
            refused("conflict_connector", &["connector", "number"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn unique(mut index: IndexCreateStatement) -> IndexCreateStatement {
    index.unique().to_owned()
}

/// What a connector said; the same columns hold what was logged and what was refused.
fn contact(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    table
        .col(text("connector"))
        .col(text("external_id"))
        .col(small_integer("kind"))
        .col(small_integer("channel"))
        .col(small_integer("direction"))
        .col(small_integer("purpose"))
        .col(big_integer("event_at"))
        .col(big_integer("received_at"))
        .col(boolean("history"))
        .col(boolean("automatic"))
        .col(text("order_id"))
        .col(big_integer("order_units"))
        .col(text("order_code"))
        .col(small_integer("order_exponent"))
        .col(text("subject_key"))
        .col(blob("content_digest"))
        .col(blob("body"))
        .col(blob("raw_payload"))
}

fn interaction() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("interaction")
        .col(uuid("tenant_id"))
        .col(uuid("id"));
    contact(&mut table)
        .col(uuid("conversation_id"))
        .col(boolean("asks_for_agent"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

fn conflict() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("interaction_conflict")
        .col(uuid("tenant_id"))
        .col(big_integer("number"))
        .col(uuid("interaction_id"));
    contact(&mut table)
        .primary_key(Index::create().col("tenant_id").col("number"))
        .to_owned()
}

fn conversation() -> TableCreateStatement {
    Table::create()
        .table("conversation")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(text("connector"))
        // The blind index of the thread key; the conversation's own id where there is none.
        .col(blob("thread"))
        .col(text("channels"))
        .col(big_integer("interactions"))
        .col(big_integer("first_at"))
        .col(big_integer("last_at"))
        .col(text("subject_key"))
        .col(blob("thread_key"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

fn contact_end() -> TableCreateStatement {
    Table::create()
        .table("contact_end")
        .col(uuid("tenant_id"))
        .col(uuid("interaction_id"))
        .col(big_integer("ended_at"))
        .col(small_integer("reason"))
        .col(big_integer("told_at"))
        .primary_key(Index::create().col("tenant_id").col("interaction_id"))
        .to_owned()
}
