//! Credentials that are believed no more.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use super::{index, number, optional, table, text};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_revocations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let revocations = vec![
            optional(text("issuer")),
            optional(text("principal")),
            optional(text("token_id")),
            number("before_at"),
            text("reason"),
            number("created_at"),
            number("expires_at"),
        ];
        manager
            .create_table(table("revocations", revocations))
            .await?;
        // What is over is swept across tenants.
        let by_end = index("revocations", "revocations_by_end", &["expires_at"]);
        manager.create_index(by_end).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
