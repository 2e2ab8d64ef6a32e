//! Named disciplines: how queues and agents choose, and what those that look back are remembered by. Bots, and what they
//! hand over. Shifts.

use rapport_foundation::schema::{bytes, flag, json, number, optional, text, uuid};
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, DeriveMigrationName, Expr, Index, SchemaManager, Table,
};
use sea_orm_migration::sea_query::{
    ConditionalStatement as _, IndexCreateStatement, TableCreateStatement,
};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            // SQLite adds one at a time.
            let added = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(added).await?;
        }
        manager.create_index(offered_besides()).await?;
        manager.create_table(paces()).await?;
        manager.create_table(turns()).await?;
        manager.create_table(hand_overs()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn columns() -> [(&'static str, ColumnDef); 16] {
    let word = |name: &str, usual: &str| text(name).default(usual).to_owned();
    let nothing = |name: &str| number(name).default(0).to_owned();
    [
        ("queues", word("selection", "longest_idle")),
        ("queues", optional(number("most_occupancy_spread"))),
        ("queues", number("weight").default(1).to_owned()),
        ("queues", nothing("broadcast")),
        ("offers", flag("broadcast")),
        ("work_items", optional(json("other_offers"))),
        ("agents", word("work_selection", "oldest")),
        ("agents", word("kind", "person")),
        ("work_items", flag("handed_over")),
        ("agent_standings", nothing("busy_time")),
        ("agent_standings", nothing("staffed_time")),
        ("agent_standings", optional(number("counted_until"))),
        ("agents", optional(uuid("shift_calendar_id"))),
        (
            "agent_standings",
            ColumnDef::new(Alias::new("on_shift"))
                .boolean()
                .null()
                .to_owned(),
        ),
        ("agent_standings", optional(number("shift_until"))),
        ("agent_standings", flag("works_over")),
    ]
}

/// Work that is out to several agents: each desk that opens asks for it.
fn offered_besides() -> IndexCreateStatement {
    Index::create()
        .name("work_items_offered_besides")
        .table("work_items")
        .col("tenant_id")
        .and_where(Expr::cust("other_offers is not null"))
        .to_owned()
}

/// How long agents take for the work of a queue.
fn paces() -> TableCreateStatement {
    Table::create()
        .table("agent_paces")
        .col(uuid("tenant_id"))
        .col(uuid("queue_id"))
        .col(uuid("agent_id"))
        .col(number("handle_time"))
        .primary_key(
            Index::create()
                .col("tenant_id")
                .col("queue_id")
                .col("agent_id"),
        )
        .to_owned()
}

/// Who was asked last in a queue, and how much of its work was taken.
fn turns() -> TableCreateStatement {
    Table::create()
        .table("queue_turns")
        .col(uuid("tenant_id"))
        .col(uuid("queue_id"))
        .col(optional(uuid("last_agent_id")))
        .col(number("taken"))
        .col(number("taken_at"))
        .primary_key(Index::create().col("tenant_id").col("queue_id"))
        .to_owned()
}

/// What virtual agents handed over with work.
fn hand_overs() -> TableCreateStatement {
    Table::create()
        .table("hand_overs")
        .col(uuid("tenant_id"))
        .col(uuid("work_item_id"))
        .col(uuid("ticket_id"))
        .col(uuid("agent_id"))
        .col(number("handed_over_at"))
        .col(bytes("words"))
        .col(text("sealed_for"))
        .primary_key(Index::create().col("tenant_id").col("work_item_id"))
        .to_owned()
}
