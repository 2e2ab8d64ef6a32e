//! The parts by role: the one place that names every service.

use rapport_foundation::db::{self, Database};
use rapport_foundation::role::Role;
use rapport_foundation::service::{Env, Service};
use sea_orm_migration::MigrationTrait;

use crate::config::Config;
use crate::error::Error;

/// The migrations of a part.
pub(crate) fn migrations(role: Role) -> Vec<Box<dyn MigrationTrait>> {
    match role {
        Role::Gateway => rapport_gateway::migrations(),
        _ => Vec::new(),
    }
}

/// Opens a service. The gateway is none: it is opened by its own way.
pub(super) async fn open(env: Env, config: &Config) -> Result<Service, Error> {
    let role = env.role;
    let refused = |message: String| Error::Open { role, message };
    match role {
        Role::Gateway => Err(refused("the gateway is no service".into())),
        _ => Ok(super::pending::open(env)),
    }
}

/// What does not hold in the database of a part, each breach in a line.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn verify(database: &Database) -> Result<Vec<String>, db::Error> {
    Ok(Vec::new())
}
