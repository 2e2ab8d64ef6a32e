//! What texts are found by: blinded words, in the index that the engine has for them.

use rapport_foundation::schema::{number, text, uuid};
use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, Index, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(
        clippy::disallowed_methods,
        reason = "what the builder has no words for"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let entry = Table::create()
            .table("search_entry")
            .col(uuid("tenant_id"))
            .col(uuid("interaction_id"))
            // Its place in SQLite's index: in the order of events. The same number is not used twice.
            .col(number("doc"))
            .col(number("event_at"))
            .col(text("subject_key"))
            .primary_key(Index::create().col("tenant_id").col("interaction_id"))
            .to_owned();
        manager.create_table(entry).await?;
        // How far the log was read.
        let mark = Table::create()
            .table("search_mark")
            .col(uuid("tenant_id"))
            .col(number("epoch"))
            .col(number("n"))
            .primary_key(Index::create().col("tenant_id"))
            .to_owned();
        manager.create_table(mark).await?;
        manager
            .create_index(index(
                "search_entry",
                "search_entry_newest",
                &["event_at", "interaction_id"],
            ))
            .await?;
        manager
            .create_index(index(
                "search_entry",
                "search_entry_subject",
                &["subject_key"],
            ))
            .await?;
        let statements: &[&str] = match manager.get_database_backend() {
            DbBackend::Postgres => &[
                "alter table search_entry add column words tsvector not null default ''",
                "create index search_entry_words on search_entry using gin (words)",
            ],
            _ => &[
                "create unique index search_entry_doc on search_entry (doc)",
                "create virtual table search_words using fts5(words, beginnings, facets, content='', \
                 contentless_delete=1, tokenize='ascii')",
            ],
        };
        for statement in statements {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}
