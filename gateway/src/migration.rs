//! The gateway's schema, one small additive change a file.

use rapport_foundation::schema;
use sea_orm_migration::MigrationTrait;

mod m0001_tenants;
mod m0002_audit;

/// Every migration, oldest first. A shipped one never changes.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        schema::shared(),
        Box::new(m0001_tenants::Migration),
        Box::new(m0002_audit::Migration),
    ]
}
