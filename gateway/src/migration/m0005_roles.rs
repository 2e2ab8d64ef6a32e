//! Roles of tenants, and who holds them.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use super::{index, number, table, text, uuid};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_roles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let roles = vec![
            text("display_name"),
            text("scopes"),
            number("version"),
            number("created_at"),
            number("updated_at"),
        ];
        manager.create_table(table("custom_roles", roles)).await?;
        let mut once = index(
            "custom_roles",
            "custom_roles_by_name",
            &["tenant_id", "display_name"],
        );
        manager.create_index(once.unique().to_owned()).await?;
        let bindings = vec![
            uuid("role_id"),
            text("issuer"),
            text("principal"),
            number("created_at"),
        ];
        manager
            .create_table(table("role_bindings", bindings))
            .await?;
        let holder = ["tenant_id", "issuer", "principal", "role_id"];
        let mut once = index("role_bindings", "role_bindings_once", &holder);
        manager.create_index(once.unique().to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
