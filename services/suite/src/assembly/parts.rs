//! The parts by role: the one place that names every service.

use std::time::Duration;

use rapport_foundation::db::Database;
use rapport_foundation::role::Role;
use rapport_foundation::service::{Env, Service};
use rapport_foundation::time::Clock;
use sea_orm_migration::MigrationTrait;

use crate::config::Config;
use crate::error::Error;

/// The migrations of a part.
pub(crate) fn migrations(role: Role) -> Vec<Box<dyn MigrationTrait>> {
    match role {
        Role::Gateway => rapport_gateway::migrations(),
        Role::Profiles => rapport_profiles::migrations(),
        Role::Interactions => rapport_interactions::migrations(),
        Role::Routing => rapport_routing::migrations(),
        Role::Loyalty => rapport_loyalty::migrations(),
    }
}

/// Opens a service. The gateway is none: it is opened by its own way.
pub(super) async fn open(env: Env, config: &Config) -> Result<Service, Error> {
    let role = env.role;
    let refused = |message: String| Error::Open { role, message };
    match role {
        Role::Gateway => Err(refused("the gateway is no service".into())),
        Role::Profiles => rapport_profiles::open(env, config.profiles.clone())
            .await
            .map_err(|error| refused(error.to_string())),
        Role::Interactions => rapport_interactions::open(env, config.interactions.clone())
            .await
            .map_err(|error| refused(error.to_string())),
        Role::Routing => rapport_routing::open(env, config.routing.clone())
            .await
            .map_err(|error| refused(error.to_string())),
        Role::Loyalty => rapport_loyalty::open(env, config.loyalty.clone())
            .await
            .map_err(|error| refused(error.to_string())),
    }
}

/// A breach must be there in so many readings in a row.
const READINGS: u32 = 4;
/// Between two of them: longer than any transaction of a healthy suite.
const BETWEEN_READINGS: Duration = Duration::from_millis(500);

/// What does not hold in the database of a part, each breach in a line. The statements of one reading share no
/// snapshot, so what is written meanwhile can look torn: only what stays torn is told.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn verify(config: &Config, database: &Database) -> Result<Vec<String>, Error> {
    let mut breaches = read_breaches(config, database).await?;
    for _ in 1..READINGS {
        if breaches.is_empty() {
            break;
        }
        tokio::time::sleep(BETWEEN_READINGS).await;
        let again = read_breaches(config, database).await?;
        breaches.retain(|breach| again.contains(breach));
    }
    Ok(breaches)
}

async fn read_breaches(config: &Config, database: &Database) -> Result<Vec<String>, Error> {
    let role = database.role();
    let failed = |message: String| Error::Verify { role, message };
    let breaches = match role {
        Role::Gateway => {
            rapport_gateway::verify(database, &config.gateway.audit, Clock::system().now())
                .await
                .map_err(|error| failed(error.to_string()))?
        }
        Role::Profiles => rapport_profiles::verify(database)
            .await
            .map_err(|error| failed(error.to_string()))?,
        Role::Interactions => rapport_interactions::verify(database)
            .await
            .map_err(|error| failed(error.to_string()))?,
        Role::Routing => rapport_routing::verify(database)
            .await
            .map_err(|error| failed(error.to_string()))?,
        Role::Loyalty => rapport_loyalty::verify(database)
            .await
            .map_err(|error| failed(error.to_string()))?,
    };
    Ok(breaches.iter().map(ToString::to_string).collect())
}
