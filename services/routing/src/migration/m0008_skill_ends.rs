//! Skills that are held until some time only.

use rapport_foundation::schema::optional;
use sea_orm_migration::prelude::{ColumnDef, DbErr, DeriveMigrationName, SchemaManager, Table};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ends = ColumnDef::new("skills_until").json_binary().to_owned();
        let added = Table::alter()
            .table("agents")
            .add_column(optional(ends))
            .to_owned();
        manager.alter_table(added).await
    }
}
