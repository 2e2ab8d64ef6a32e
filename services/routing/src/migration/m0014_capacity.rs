//! What agents take of all channels together, work they put aside, wrap-up that may last longer, for whom work is kept, and
//! when queues are open.

use rapport_foundation::schema::{number, optional, text, uuid};
use sea_orm_migration::prelude::{ColumnDef, DbErr, DeriveMigrationName, SchemaManager, Table};
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
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn columns() -> [(&'static str, ColumnDef); 8] {
    let span = |name: &str, usual: i64| number(name).default(usual).to_owned();
    [
        ("agents", optional(number("total_capacity"))),
        ("work_items", optional(number("parked_since"))),
        ("work_items", optional(number("parked_until"))),
        ("work_items", span("parked_before", 0)),
        ("queues", span("most_wrap_up", 0)),
        ("queues", text("preference").default("nobody").to_owned()),
        ("queues", span("preference_time", 60_000_000)),
        ("queues", optional(uuid("opening_calendar_id"))),
    ]
}
