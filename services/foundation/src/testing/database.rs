//! Fresh databases on both engines.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::OnceLock;

use tempfile::TempDir;
use tokio::sync::Mutex;
use url::Url;

use super::{Engine, Migrations, cluster};
use crate::cluster::{Cluster, installed};
use crate::db::{self, DatabaseConfig};
use crate::role::Role;

/// A migrated database of one test; its SQLite folder goes when this is dropped, a PostgreSQL database with the
/// cluster.
#[derive(Debug)]
pub struct TestDatabase {
    /// How to open it.
    pub config: DatabaseConfig,
    /// On which engine it is.
    pub engine: Engine,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// The same database on a server, by another way. It is kept by whoever holds the first.
    #[must_use]
    pub fn by(&self, config: DatabaseConfig) -> Self {
        Self {
            config,
            engine: self.engine.clone(),
            _folder: None,
        }
    }
}

/// The engines there are. SQLite always; PostgreSQL as the module's page says.
///
/// # Panics
/// With `CI=true` when there is no PostgreSQL.
#[must_use]
pub fn engines() -> Vec<Engine> {
    let named = std::env::var("RAPPORT_TEST_POSTGRES")
        .ok()
        .filter(|url| !url.is_empty());
    let admin_url = match named {
        Some(url) => Ok(url),
        None => cluster::admin_url().map(str::to_owned),
    };
    match admin_url {
        Ok(admin_url) => vec![Engine::Sqlite, Engine::Postgres { admin_url }],
        Err(why) => {
            skipped("everything on PostgreSQL", why);
            vec![Engine::Sqlite]
        }
    }
}

/// A server of the test's own, which it may stop; none where no programs are installed. Blocks.
///
/// # Panics
/// When it does not start; with `CI=true` when there are no programs.
#[must_use]
#[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
pub fn own_cluster(settings: &[&str]) -> Option<Cluster> {
    let Some(programs) = installed() else {
        skipped("what stops a PostgreSQL", cluster::NO_PROGRAMS);
        return None;
    };
    Some(Cluster::start(&programs, &[], settings).expect("a server"))
}

fn skipped(what: &str, why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "PostgreSQL may not be skipped here: {why}"
    );
    // Written past the harness, which keeps what passing tests print to itself.
    let _ = writeln!(
        std::io::stderr(),
        "\n######## SKIPPED: {what} ({why}) ########\n"
    );
}

impl Engine {
    /// A fresh database with the schema of one service.
    ///
    /// # Panics
    /// When it cannot be made.
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without its database"
    )]
    pub async fn database(&self, role: Role, migrations: Migrations) -> TestDatabase {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let config = DatabaseConfig::sqlite(folder.path().join(format!("{role}.db")));
                db::migrate(&config, role, migrations())
                    .await
                    .expect("the migrations run on SQLite");
                TestDatabase {
                    config,
                    engine: self.clone(),
                    _folder: Some(folder),
                }
            }
            Self::Postgres { admin_url } => {
                let config = postgres(admin_url, role, migrations).await;
                TestDatabase {
                    config,
                    engine: self.clone(),
                    _folder: None,
                }
            }
        }
    }

    /// An address for a database that does not exist yet.
    ///
    /// # Panics
    /// When the address of the server is malformed, or there is no temporary folder.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without its database"
    )]
    pub fn unmade(&self, role: Role) -> TestDatabase {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let config = DatabaseConfig::sqlite(folder.path().join(format!("{role}.db")));
                TestDatabase {
                    config,
                    engine: self.clone(),
                    _folder: Some(folder),
                }
            }
            Self::Postgres { admin_url } => {
                let name = fresh_name(role);
                let config = addresses(admin_url, &name, &name);
                TestDatabase {
                    config,
                    engine: self.clone(),
                    _folder: None,
                }
            }
        }
    }
}

/// Migrated once in this process for each schema, then copied: a copy takes a fraction of the migrations.
type Templates = HashMap<(Role, Vec<String>), String>;

#[expect(
    clippy::expect_used,
    reason = "a test cannot go on without its database"
)]
async fn postgres(admin_url: &str, role: Role, migrations: Migrations) -> DatabaseConfig {
    static TEMPLATES: OnceLock<Mutex<Templates>> = OnceLock::new();
    // Held while copying too: a template with a session on it cannot be copied.
    let mut templates = TEMPLATES.get_or_init(Mutex::default).lock().await;
    if templates.is_empty() {
        db::remove(admin_url, is_left_over)
            .await
            .expect("the server answers");
    }
    let key = (
        role,
        migrations()
            .iter()
            .map(|migration| migration.name().to_owned())
            .collect(),
    );
    let template = match templates.get(&key) {
        Some(template) => template.clone(),
        None => {
            let template = fresh_name(role);
            let config = addresses(admin_url, &template, &template);
            db::provision(admin_url, &config)
                .await
                .expect("a template database");
            db::migrate(&config, role, migrations())
                .await
                .expect("the migrations run on PostgreSQL");
            templates.insert(key, template.clone());
            template
        }
    };
    let config = addresses(admin_url, &fresh_name(role), &template);
    db::copy(admin_url, &template, &config)
        .await
        .expect("a copy of the template");
    config
}

fn fresh_name(role: Role) -> String {
    format!("rapport_test_{role}_{}", uuid::Uuid::now_v7().simple())
}

/// Whether a database or a login is of a test run that must be over: the name tells when it was made.
fn is_left_over(name: &str) -> bool {
    let ours = name.starts_with("rapport_test_") || name.starts_with("rt_");
    let made = name
        .split('_')
        .find_map(|part| uuid::Uuid::try_parse(part).ok()?.get_timestamp());
    let old = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        - std::time::Duration::from_secs(6 * 3600);
    ours && made.is_some_and(|made| made.to_unix().0 < old.as_secs())
}

/// The addresses of a database with the logins made for `logins`.
#[expect(
    clippy::expect_used,
    reason = "the address is of the tests' own making"
)]
fn addresses(admin_url: &str, database: &str, logins: &str) -> DatabaseConfig {
    let address = |kind: &str| {
        let mut url = Url::parse(admin_url).expect("an address of a server");
        let login = format!("{}_{kind}", logins.replace("rapport_test_", "rt_"));
        url.set_username(&login).expect("a login");
        url.set_password(Some("rapport-test")).expect("a password");
        url.set_path(database);
        String::from(url)
    };
    let config = DatabaseConfig::postgres(address("app"), address("system"), address("owner"));
    // Many tests run beside each other on one server, which copies databases meanwhile.
    DatabaseConfig {
        max_connections: 4,
        system_connections: 2,
        acquire_timeout_ms: 30_000,
        ..config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_databases_of_tests_are_left_over() {
        let old = "018ecb40c457736fb7ae7c2f1d2f4a5b";
        assert!(is_left_over(&format!("rapport_test_profiles_{old}")));
        assert!(is_left_over(&format!("rt_profiles_{old}_app")));
        assert!(!is_left_over(&format!("other_{old}")));
        assert!(!is_left_over(&fresh_name(Role::Profiles)));
        assert!(!is_left_over("rapport_test_x"));
    }
}
