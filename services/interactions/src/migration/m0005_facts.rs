//! What became known of contacts later, and whose network a contact went over.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, blob, small_integer, text, uuid};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["interaction", "interaction_conflict"] {
            let provider = Table::alter()
                .table(table)
                .add_column(text("provider").default(""))
                .to_owned();
            manager.alter_table(provider).await?;
        }
        manager.create_table(fact()).await?;
        manager.create_table(waiting_fact()).await
    }
}

/// Named by the contact's own key: a fact may be here before its contact.
fn fact() -> TableCreateStatement {
    let mut table = Table::create();
    named(table.table("interaction_fact"))
        .col(small_integer("kind"))
        .col(big_integer("event_at"))
        .col(big_integer("received_at"))
        .col(text("subject_key"))
        .col(blob("content_digest"))
        .col(blob("body"))
        .col(blob("raw_payload"))
        .to_owned()
}

/// Facts whose contact is not here yet. Almost always empty.
fn waiting_fact() -> TableCreateStatement {
    let mut table = Table::create();
    named(table.table("waiting_fact"))
        .col(text("traceparent"))
        .to_owned()
}

fn named(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    let key = ["tenant_id", "connector", "external_id", "fact_key"];
    let mut index = Index::create();
    for column in key {
        index.col(column);
    }
    table
        .col(uuid("tenant_id"))
        .col(text("connector"))
        .col(text("external_id"))
        .col(text("fact_key"))
        .primary_key(&mut index)
}
