//! Tenants.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_tenants"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = |name: &'static str| Alias::new(name);
        let mut tenants = Table::create();
        tenants
            .table(name("tenants"))
            .col(
                ColumnDef::new(name("tenant_id"))
                    .uuid()
                    .not_null()
                    .primary_key(),
            )
            .col(ColumnDef::new(name("display_name")).text().not_null())
            .col(ColumnDef::new(name("time_zone")).text().not_null())
            .col(ColumnDef::new(name("suspended")).boolean().not_null())
            .col(ColumnDef::new(name("version")).big_integer().not_null())
            .col(ColumnDef::new(name("created_at")).big_integer().not_null())
            .col(ColumnDef::new(name("updated_at")).big_integer().not_null());
        manager.create_table(tenants).await?;
        let mut by_age = Index::create();
        by_age
            .name("tenants_by_age")
            .table(name("tenants"))
            .col(name("created_at"))
            .col(name("tenant_id"));
        manager.create_index(by_age).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
