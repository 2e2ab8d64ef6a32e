//! The schema, one small additive change a file.

mod m0001_customers;
mod m0002_edges;

use rapport_foundation::schema;
use sea_orm_migration::MigrationTrait;

/// Every change of the schema, oldest first.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        schema::shared(),
        Box::new(m0001_customers::Migration),
        Box::new(m0002_edges::Migration),
    ]
}
