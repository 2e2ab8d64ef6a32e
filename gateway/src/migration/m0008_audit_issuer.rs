//! Who vouches for the principal of an entry. Entries of before have none and stay as they are.

use rapport_foundation::schema::text;
use sea_orm_migration::prelude::{
    Alias, DbErr, MigrationName, MigrationTrait, SchemaManager, Table,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0008_audit_issuer"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::alter();
        table
            .table(Alias::new("audit_entries"))
            .add_column(text("issuer").default(""));
        manager.alter_table(table).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
