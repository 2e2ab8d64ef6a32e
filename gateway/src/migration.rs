//! The gateway's schema, one small additive change a file.

use rapport_foundation::schema::{self, bytes, number, optional, text, uuid};
use sea_orm_migration::MigrationTrait;
use sea_orm_migration::prelude::{Alias, ColumnDef, Index};
use sea_orm_migration::sea_query::{IndexCreateStatement, TableCreateStatement};

mod m0001_tenants;
mod m0002_quota;
mod m0003_access_version;
mod m0004_api_keys;
mod m0005_roles;
mod m0006_revocations;
mod m0007_audit;
mod m0008_audit_issuer;
mod m0009_audit_retention;

/// Every migration, oldest first. A shipped one never changes.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        schema::shared(),
        Box::new(m0001_tenants::Migration),
        Box::new(m0002_quota::Migration),
        Box::new(m0003_access_version::Migration),
        Box::new(m0004_api_keys::Migration),
        Box::new(m0005_roles::Migration),
        Box::new(m0006_revocations::Migration),
        Box::new(m0007_audit::Migration),
        Box::new(m0008_audit_issuer::Migration),
        Box::new(m0009_audit_retention::Migration),
    ]
}

/// A table whose key is the tenant and the id.
fn table(name: &str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = TableCreateStatement::new();
    table
        .table(Alias::new(name))
        .col(uuid("tenant_id"))
        .col(uuid("id"));
    for mut column in columns {
        table.col(&mut column);
    }
    let mut primary = Index::create();
    primary.col(Alias::new("tenant_id")).col(Alias::new("id"));
    table.primary_key(&mut primary);
    table
}

/// An index by these columns.
fn index(table: &str, name: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(Alias::new(table));
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}
