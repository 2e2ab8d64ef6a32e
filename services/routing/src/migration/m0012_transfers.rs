//! Contacts that go from agent to agent, and what the connectors that hold them are told.

use rapport_foundation::schema::{bytes, flag, number, optional, text, uuid};
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, DeriveMigrationName, Index, SchemaManager, Table,
};
use sea_orm_migration::sea_query::TableCreateStatement;
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let items = of_work_items().map(|column| ("work_items", column));
        let others = [
            ("queues", flag("commanded")),
            // Sealed like the name of the agent.
            ("agents", optional(bytes("address"))),
        ];
        for (table, column) in items.into_iter().chain(others) {
            // SQLite adds one at a time.
            let added = Table::alter()
                .table(Alias::new(table))
                .add_column(column)
                .to_owned();
            manager.alter_table(added).await?;
        }
        manager.create_table(commands()).await?;
        for column in ["state", "work_item_id", "interaction_id", "connector"] {
            let index = Index::create()
                .name(format!("contact_commands_by_{column}"))
                .table("contact_commands")
                .col("tenant_id")
                .col(column)
                .col("id")
                .to_owned();
            manager.create_index(index).await?;
        }
        let of_contact = Index::create()
            .name("work_items_by_consult_of_id")
            .table("work_items")
            .col("tenant_id")
            .col("consult_of_id")
            .col("id")
            .to_owned();
        manager.create_index(of_contact).await?;
        let by_end = Index::create()
            .name("contact_commands_by_end")
            .table("contact_commands")
            .col("ended_at")
            .to_owned();
        manager.create_index(by_end).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn of_work_items() -> [ColumnDef; 19] {
    [
        optional(uuid("previous_id")),
        optional(uuid("next_id")),
        number("hops").default(0).to_owned(),
        optional(number("turn_at")),
        optional(uuid("kept_for_id")),
        optional(number("kept_until")),
        optional(uuid("note_id")),
        optional(number("held_since")),
        number("held").default(0).to_owned(),
        optional(text("connector")),
        flag("commanded"),
        flag("contact_over"),
        optional(uuid("consult_id")),
        optional(uuid("consult_of_id")),
        flag("conference"),
        optional(number("callback_attempts")),
        number("callback_pause").default(0).to_owned(),
        optional(number("callback_paused_until")),
        flag("callback_called"),
    ]
}

/// What connectors are told to do with the contacts that they hold.
fn commands() -> TableCreateStatement {
    Table::create()
        .table("contact_commands")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(uuid("work_item_id"))
        .col(uuid("interaction_id"))
        .col(text("connector"))
        .col(text("kind"))
        .col(optional(uuid("agent_id")))
        .col(optional(uuid("queue_id")))
        .col(optional(uuid("desk_id")))
        .col(optional(uuid("next_id")))
        .col(flag("consult"))
        .col(text("state"))
        .col(number("attempt"))
        .col(flag("may_be_done"))
        .col(optional(uuid("stream")))
        .col(number("made_at"))
        .col(number("ready_at"))
        .col(number("expires_at"))
        .col(number("lease_until"))
        .col(optional(number("ended_at")))
        .col(text("reason"))
        .col(number("version"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}
