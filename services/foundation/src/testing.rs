//! What the tests of all members share: both engines, fresh databases, and an environment to open a service in.
//!
//! PostgreSQL is the server named by `RAPPORT_TEST_POSTGRES` (an address with a login that may create databases
//! and roles), else a throw-away cluster made from the installed binaries, else it is skipped with a loud line; with
//! `CI=true` a skip is a failure.

mod authority;
mod captured;
mod cluster;
mod data;
mod database;
mod house;
mod proxy;

use std::time::{Duration, Instant};

pub use authority::{Authority, SERVER_NAME};
pub use captured::Captured;
pub use data::{real_data, report};
pub use database::{TestDatabase, engines, own_cluster};
pub use house::{House, TestEnv, env, on_every_engine};
pub use proxy::Proxy;
use sea_orm_migration::MigrationTrait;

use crate::context::{Claims, Context, PrincipalKind};
use crate::id::TenantId;
use crate::time::Clock;

/// The migrations of a service, as its crate offers them.
pub type Migrations = fn() -> Vec<Box<dyn MigrationTrait>>;

/// The migrations of a service that has only the shared tables.
#[must_use]
pub fn shared_tables() -> Vec<Box<dyn MigrationTrait>> {
    vec![crate::schema::shared()]
}

/// A database engine tests run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A server, by the address of a login that may create databases.
    Postgres {
        /// The address.
        admin_url: String,
    },
}

impl Engine {
    /// Its name, for the output of a test.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }
}

/// A tenant nobody else uses.
#[must_use]
pub fn tenant() -> TenantId {
    TenantId::new(Clock::system().now())
}

/// A verified context of a member of staff with these scopes.
#[must_use]
pub fn context(tenant: TenantId, scopes: &[&str]) -> Context {
    let mut claims = Claims::new(tenant, "tester", PrincipalKind::Staff);
    claims.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    claims.scopes.sort_unstable();
    claims.into()
}

/// How long something may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until there is an answer; a test never sleeps for a fixed time instead.
///
/// # Panics
/// When there is none after 20 seconds.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
