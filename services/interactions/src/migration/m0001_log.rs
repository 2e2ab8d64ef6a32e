//! The log itself: interactions, their conversations, what was refused, and how live contacts ended.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, blob, boolean, small_integer, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(interaction()).await?;
        let index = |name: &'static str| {
            Index::create()
                .name(name)
                .table("interaction")
                .col("tenant_id")
                .to_owned()
        };
        manager
            .create_index(
                index("interaction_key")
                    .col("connector")
                    .col("external_id")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("interaction_newest")
                    .col("event_at")
                    .col("id")
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("interaction_conversation")
                    .col("conversation_id")
                    .col("event_at")
                    .col("id")
                    .to_owned(),
            )
            .await?;

        manager.create_table(conversation()).await?;
        let index = |name: &'static str| {
            Index::create()
                .name(name)
                .table("conversation")
                .col("tenant_id")
                .to_owned()
        };
        manager
            .create_index(
                index("conversation_thread")
                    .col("connector")
                    .col("thread")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("conversation_latest")
                    .col("last_at")
                    .col("id")
                    .to_owned(),
            )
            .await?;

        manager.create_table(conflict()).await?;
        let index = |name: &'static str| {
            Index::create()
                .name(name)
                .table("interaction_conflict")
                .col("tenant_id")
                .to_owned()
        };
        // The same refused content is kept once, however often a connector repeats it.
        manager
            .create_index(
                index("conflict_content")
                    .col("interaction_id")
                    .col("content_digest")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("conflict_connector")
                    .col("connector")
                    .col("number")
                    .to_owned(),
            )
            .await?;

        manager.create_table(contact_end()).await
    }
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
