//! Messages of ours on their way.

use rapport_foundation::schema::{bytes, number, small, text, uuid};
use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(outbound()).await?;
        manager.create_table(outbound_text()).await?;
        let way = |name, columns| index("outbound", name, columns);
        for index in [
            // What may be handed over, in the order in which it is.
            way("outbound_ready", &["connector", "state", "ready_at", "id"]),
            way("outbound_conversation", &["conversation_id", "state", "id"]),
            way("outbound_message", &["connector", "message_id"]),
            way("outbound_state", &["state", "id"]),
        ] {
            manager.create_index(index).await?;
        }
        // What is due is looked for over all tenants.
        for (name, column) in [
            ("outbound_lease", "lease_until"),
            ("outbound_expiry", "expires_at"),
        ] {
            let due = Index::create()
                .name(name)
                .table("outbound")
                .col("state")
                .col(column)
                .to_owned();
            manager.create_index(due).await?;
        }
        Ok(())
    }
}

fn outbound() -> TableCreateStatement {
    Table::create()
        .table("outbound")
        .col(uuid("tenant_id"))
        // The interaction's own.
        .col(uuid("id"))
        .col(uuid("conversation_id"))
        .col(text("connector"))
        .col(small("state"))
        .col(number("attempt"))
        .col(number("failures"))
        .col(number("doubt"))
        .col(small("delivery"))
        .col(text("reason"))
        .col(text("message_id"))
        // Nil where it answers nothing.
        .col(uuid("reply_to"))
        .col(uuid("holder"))
        .col(number("queued_at"))
        .col(number("scheduled_at"))
        .col(number("ready_at"))
        .col(number("expires_at"))
        .col(number("lease_until"))
        // 0 until it was sent.
        .col(number("sent_at"))
        .col(number("changed_at"))
        .col(number("version"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

/// What is to be sent, as it was queued; here only until it was.
fn outbound_text() -> TableCreateStatement {
    Table::create()
        .table("outbound_text")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(text("subject_key"))
        .col(bytes("body"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}
