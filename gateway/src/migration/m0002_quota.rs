//! What the principals of a tenant may use together, as JSON; null for the default of the installation.

use sea_orm_migration::prelude::{
    Alias, DbErr, MigrationName, MigrationTrait, SchemaManager, Table,
};

use super::{optional, text};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_quota"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut tenants = Table::alter();
        tenants
            .table(Alias::new("tenants"))
            .add_column(optional(text("quota")));
        manager.alter_table(tenants).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
