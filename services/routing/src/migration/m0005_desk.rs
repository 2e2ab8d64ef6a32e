//! What a service desk knows of a ticket: how bad it is, what it belongs to, how it came to be as it is, and notes.

use rapport_foundation::schema::{bytes, number, optional, text, uuid};
use sea_orm_migration::prelude::{
    ColumnDef, DbErr, DeriveMigrationName, Index, SchemaManager, Table,
};
use sea_orm_migration::sea_query::TableCreateStatement;
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            // SQLite adds one at a time.
            let add = Table::alter()
                .table("tickets")
                .add_column(column)
                .to_owned();
            manager.alter_table(add).await?;
        }
        manager.create_table(changes()).await?;
        manager.create_table(notes()).await?;
        for (table, columns) in INDEXES {
            let mut index = Index::create();
            index.name(format!("{table}_by_{}", columns.join("_")));
            index.table(table).col("tenant_id");
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [(&str, &[&str]); 3] = [
    ("ticket_changes", &["ticket_id", "id"]),
    ("ticket_changes", &["ticket_id", "field", "id"]),
    ("ticket_notes", &["ticket_id", "id"]),
];

fn columns() -> [ColumnDef; 7] {
    [
        optional(text("impact")),
        optional(text("urgency")),
        optional(text("category")),
        optional(text("subcategory")),
        optional(uuid("parent_id")),
        // Sealed like the words of the ticket.
        optional(bytes("attributes")),
        number("reassignment_count").default(0).to_owned(),
    ]
}

/// A row for each field that changed; rows are only ever added.
fn changes() -> TableCreateStatement {
    Table::create()
        .table("ticket_changes")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(uuid("ticket_id"))
        .col(number("changed_at"))
        .col(number("version"))
        .col(text("field"))
        .col(text("old_value"))
        .col(text("new_value"))
        .col(optional(uuid("agent_id")))
        // Of who is no agent, sealed for themselves.
        .col(optional(bytes("principal")))
        .col(optional(text("principal_for")))
        .col(optional(bytes("reason")))
        .col(optional(text("sealed_for")))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

/// Rows are only ever added.
fn notes() -> TableCreateStatement {
    Table::create()
        .table("ticket_notes")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(uuid("ticket_id"))
        .col(number("created_at"))
        .col(optional(uuid("agent_id")))
        .col(optional(bytes("principal")))
        .col(optional(text("principal_for")))
        .col(bytes("words"))
        .col(text("sealed_for"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}
