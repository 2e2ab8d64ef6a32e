//! The schema, one small additive change a file.

mod m0001_programs;
mod m0002_ledger;
mod m0003_customers;

use rapport_foundation::schema::{bytes, number, optional, small, text, uuid};
use sea_orm_migration::MigrationTrait;
use sea_orm_migration::prelude::{Alias, ColumnDef, Index};
use sea_orm_migration::sea_query::{IndexCreateStatement, TableCreateStatement};

/// Every migration, oldest first.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        rapport_foundation::schema::shared(),
        Box::new(m0001_programs::Programs),
        Box::new(m0002_ledger::Ledger),
        Box::new(m0003_customers::Customers),
    ]
}

/// A table whose key starts with the tenant.
fn table(name: &str, key: &[&str], columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = TableCreateStatement::new();
    table.table(Alias::new(name)).col(uuid("tenant_id"));
    for mut column in columns {
        table.col(&mut column);
    }
    let mut primary = Index::create();
    primary.col(Alias::new("tenant_id"));
    for column in key {
        primary.col(Alias::new(*column));
    }
    table.primary_key(&mut primary);
    table
}

/// An index of a tenant's rows by these columns.
fn index(table: &str, name: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(name)
        .table(Alias::new(table))
        .col(Alias::new("tenant_id"));
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

fn unique(table: &str, name: &str, columns: &[&str]) -> IndexCreateStatement {
    index(table, name, columns).unique().to_owned()
}
