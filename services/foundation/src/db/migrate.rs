//! Bringing a schema up to date: everything in one transaction, one runner at a time.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, Statement, TransactionOptions, TransactionTrait as _,
};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use super::pause::Pause;
use super::{DatabaseConfig, Error, security, sqlite};
use crate::role::Role;
use crate::time::Clock;

/// A run that lost a race is begun again so many times: for some seconds, as long as migrations may take.
const REPEATS: u32 = 9;
/// The first pause before it; see [`Pause`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Applies the migrations that are missing and answers their names. Runners wait for each other; when one fails
/// nothing of its run remains. On PostgreSQL it also puts row security and grants on every tenant table.
///
/// A schema that is newer than these migrations is accepted when none of them is missing.
///
/// # Errors
/// [`Error::Misconfigured`] when a migration is missing in a schema that has unknown newer ones; else what the
/// engine says.
pub async fn migrate(
    config: &DatabaseConfig,
    role: Role,
    migrations: Vec<Box<dyn MigrationTrait>>,
) -> Result<Vec<String>, Error> {
    let mut pause = Pause::up_to(FIRST_PAUSE);
    for _ in 0..REPEATS {
        match attempt(config, role, &migrations).await {
            // Of several that make one SQLite file at the same moment all but one are turned away without waiting.
            Err(error) if error.is_repeatable() => pause.rest().await,
            outcome => return outcome,
        }
    }
    attempt(config, role, &migrations).await
}

async fn attempt(
    config: &DatabaseConfig,
    role: Role,
    migrations: &[Box<dyn MigrationTrait>],
) -> Result<Vec<String>, Error> {
    let conn = connect(config, role).await?;
    let outcome = run(&conn, config, role, migrations).await;
    let _ = conn.close_by_ref().await;
    outcome
}

/// The names of those migrations that the schema lacks: a service that does not migrate by itself refuses to start
/// while there are any. Migrations of a newer version are not its concern.
///
/// # Errors
/// When the store cannot be read.
pub async fn pending(
    config: &DatabaseConfig,
    role: Role,
    migrations: &[Box<dyn MigrationTrait>],
) -> Result<Vec<String>, Error> {
    let conn = match config.engine()? {
        DbBackend::Sqlite => sqlite::writer(config).await?,
        _ => Database::connect(plain(&config.system_url, role)).await?,
    };
    let outcome = missing(&conn, role, migrations).await;
    let _ = conn.close_by_ref().await;
    outcome
}

async fn missing(
    conn: &DatabaseConnection,
    role: Role,
    migrations: &[Box<dyn MigrationTrait>],
) -> Result<Vec<String>, Error> {
    let tx = conn.begin().await?;
    let known = if SchemaManager::new(&tx).has_table(table(role)).await? {
        applied(&tx, role).await?
    } else {
        Vec::new()
    };
    tx.rollback().await?;
    Ok(names(migrations)
        .filter(|name| !known.contains(name))
        .collect())
}

async fn connect(config: &DatabaseConfig, role: Role) -> Result<DatabaseConnection, Error> {
    if config.engine()? == DbBackend::Sqlite {
        return sqlite::writer(config).await;
    }
    if config.owner_url.is_empty() {
        return Err(Error::Misconfigured(
            "migrating PostgreSQL needs owner_url".into(),
        ));
    }
    // Without a statement timeout: it would end a long migration too.
    Ok(Database::connect(plain(&config.owner_url, role)).await?)
}

fn plain(url: &str, role: Role) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .set_application_name(format!("rapport-{role}-migrate"));
    options
}

async fn run(
    conn: &DatabaseConnection,
    config: &DatabaseConfig,
    role: Role,
    migrations: &[Box<dyn MigrationTrait>],
) -> Result<Vec<String>, Error> {
    let tx = conn
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    lock(&tx, role).await?;
    install(&tx, role).await?;
    let known = applied(&tx, role).await?;
    let pending: Vec<&Box<dyn MigrationTrait>> = migrations
        .iter()
        .filter(|migration| !known.iter().any(|name| name == migration.name()))
        .collect();
    let unknown = known
        .iter()
        .any(|name| !names(migrations).any(|ours| ours == *name));
    if unknown && !pending.is_empty() {
        return Err(Error::Misconfigured(
            "the schema is newer than this program and lacks one of its migrations".into(),
        ));
    }
    let mut done = Vec::new();
    for migration in pending {
        migration.up(&SchemaManager::new(&tx)).await?;
        record(&tx, role, migration.name()).await?;
        done.push(migration.name().to_owned());
    }
    if tx.get_database_backend() == DbBackend::Postgres {
        security::secure(&tx, config).await?;
    }
    tx.commit().await?;
    Ok(done)
}

fn names(migrations: &[Box<dyn MigrationTrait>]) -> impl Iterator<Item = String> {
    migrations
        .iter()
        .map(|migration| migration.name().to_owned())
}

fn table(role: Role) -> String {
    format!("{role}_migrations")
}

/// Two runners at once would fail with unique violations of the catalogue; SQLite's IMMEDIATE is lock enough.
#[expect(
    clippy::disallowed_methods,
    reason = "migrations run outside any tenant"
)]
async fn lock(tx: &DatabaseTransaction, role: Role) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let key = 0x7261_7070_0000_i64 + i64::try_from(role.index()).unwrap_or(0);
        tx.execute_unprepared(&format!("select pg_advisory_xact_lock({key})"))
            .await?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "migrations run outside any tenant"
)]
async fn install(tx: &DatabaseTransaction, role: Role) -> Result<(), Error> {
    let table = table(role);
    tx.execute_unprepared(&format!(
        "create table if not exists {table} (version varchar(200) not null primary key, applied_at bigint not null)"
    ))
    .await?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "migrations run outside any tenant"
)]
async fn applied(tx: &DatabaseTransaction, role: Role) -> Result<Vec<String>, Error> {
    let sql = format!("select version from {} order by version", table(role));
    let rows = tx
        .query_all_raw(Statement::from_string(tx.get_database_backend(), sql))
        .await?;
    rows.iter()
        .map(|row| row.try_get("", "version").map_err(Error::from))
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "migrations run outside any tenant"
)]
async fn record(tx: &DatabaseTransaction, role: Role, name: &str) -> Result<(), Error> {
    let sql = format!(
        "insert into {} (version, applied_at) values ($1, $2)",
        table(role)
    );
    let values = [name.into(), Clock::system().now().0.into()];
    tx.execute_raw(Statement::from_sql_and_values(
        tx.get_database_backend(),
        sql,
        values,
    ))
    .await?;
    Ok(())
}
