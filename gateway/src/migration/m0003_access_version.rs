//! Counts the changes of what a tenant says of its principals, so that replicas notice them.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use sea_orm_migration::prelude::{
    Alias, DbErr, MigrationName, MigrationTrait, SchemaManager, Table,
};
use uuid::Uuid;

use super::number;

/// Operators outside any tenant are principals too: their changes are counted in a row of the installation itself.
#[expect(
    clippy::disallowed_methods,
    reason = "a row of the installation, of no tenant"
)]
async fn installation(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let sql = "insert into tenants (tenant_id, display_name, time_zone, suspended, version, created_at, updated_at) \
               values ($1, $2, $3, $4, 1, 0, 0)";
    let values = [Uuid::nil().into(), "".into(), "UTC".into(), false.into()];
    let backend = conn.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    // An earlier run has put the wall before this table, and its owner is not let through either.
    let wall = |state: &str| format!("alter table tenants {state} row level security");
    if backend == DbBackend::Postgres {
        conn.execute_unprepared(&wall("no force")).await?;
    }
    conn.execute_raw(statement).await?;
    if backend == DbBackend::Postgres {
        conn.execute_unprepared(&wall("force")).await?;
    }
    Ok(())
}

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_access_version"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut tenants = Table::alter();
        tenants
            .table(Alias::new("tenants"))
            .add_column(number("access_version").default(0));
        manager.alter_table(tenants).await?;
        installation(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
