//! Keys of connectors and systems: hashes, never secrets.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use super::{bytes, index, number, optional, table, text};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_api_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keys = vec![
            text("display_name"),
            text("prefix"),
            bytes("hash"),
            optional(bytes("former_hash")),
            optional(number("former_until")),
            optional(text("connector")),
            text("scopes"),
            text("roles"),
            optional(number("expires_at")),
            optional(number("revoked_at")),
            optional(number("last_used_at")),
            number("version"),
            number("created_at"),
            number("updated_at"),
        ];
        manager.create_table(table("api_keys", keys)).await?;
        // A prefix finds one key, whoever made it.
        let mut by_prefix = index("api_keys", "api_keys_by_prefix", &["prefix"]);
        manager.create_index(by_prefix.unique().to_owned()).await?;
        let by_age = ["tenant_id", "created_at", "id"];
        manager
            .create_index(index("api_keys", "api_keys_by_age", &by_age))
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
