//! Making a service's PostgreSQL database with its three logins.

use percent_encoding::percent_decode_str;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use url::Url;

use super::security::quoted;
use super::{DatabaseConfig, Error};

/// Creates the database and the owner, app and system logins that `config` names, with the passwords given there.
/// What exists already is kept, its passwords are set anew. `admin_url` may create databases and roles.
///
/// # Errors
/// [`Error::Misconfigured`] when an address has no login or no database, or they name different databases.
pub async fn provision(admin_url: &str, config: &DatabaseConfig) -> Result<(), Error> {
    let [app, system, owner] =
        [&config.url, &config.system_url, &config.owner_url].map(|url| Login::of(url));
    let (app, system, owner) = (app?, system?, owner?);
    if app.database != system.database || app.database != owner.database {
        return Err(Error::Misconfigured(
            "the three addresses name different databases".into(),
        ));
    }
    let admin = connect(admin_url).await?;
    for login in [&app, &system, &owner] {
        login.create(&admin).await?;
    }
    let database = quoted(&app.database);
    let owner_name = quoted(&owner.name);
    // Only a member may give a database to another role; a superuser is one anyway.
    let _ = run(&admin, &format!("grant {owner_name} to current_user")).await;
    ignoring_existing(
        run(
            &admin,
            &format!("create database {database} owner {owner_name}"),
        )
        .await,
        "42P04",
    )?;
    run(
        &admin,
        &format!("revoke all on database {database} from public"),
    )
    .await?;
    let logins = format!(
        "{}, {}, {owner_name}",
        quoted(&app.name),
        quoted(&system.name)
    );
    run(
        &admin,
        &format!("grant connect on database {database} to {logins}"),
    )
    .await?;
    let _ = admin.close_by_ref().await;

    let inside = connect(&on_database(admin_url, &app.database)?).await?;
    run(&inside, "revoke all on schema public from public").await?;
    run(
        &inside,
        &format!("grant usage on schema public to {logins}"),
    )
    .await?;
    run(
        &inside,
        &format!("grant create on schema public to {owner_name}"),
    )
    .await?;
    let _ = inside.close_by_ref().await;
    Ok(())
}

/// A copy of a database, which must have no sessions, for the same logins.
///
/// # Errors
/// When the server refuses it.
#[cfg(feature = "testing")]
pub async fn copy(admin_url: &str, template: &str, copy: &DatabaseConfig) -> Result<(), Error> {
    let (admin, owner) = (connect(admin_url).await?, Login::of(&copy.owner_url)?);
    let (name, template, owner) = (
        quoted(&owner.database),
        quoted(template),
        quoted(&owner.name),
    );
    run(
        &admin,
        &format!("create database {name} template {template} owner {owner}"),
    )
    .await?;
    let _ = admin.close_by_ref().await;
    Ok(())
}

/// Removes the databases and then the logins whose names `is_left_over` knows: what earlier test runs left on a
/// server that outlives them.
///
/// # Errors
/// When the server cannot be asked; what cannot be removed is left.
#[cfg(feature = "testing")]
pub async fn remove(admin_url: &str, is_left_over: impl Fn(&str) -> bool) -> Result<(), Error> {
    let admin = connect(admin_url).await?;
    for (list, remove, force) in [
        (
            "select datname::text as name from pg_database",
            "drop database if exists",
            "with (force)",
        ),
        (
            "select rolname::text as name from pg_roles",
            "drop role if exists",
            "",
        ),
    ] {
        for name in names(&admin, list)
            .await?
            .iter()
            .filter(|name| is_left_over(name))
        {
            let _ = run(&admin, &format!("{remove} {} {force}", quoted(name))).await;
        }
    }
    let _ = admin.close_by_ref().await;
    Ok(())
}

#[cfg(feature = "testing")]
#[expect(clippy::disallowed_methods, reason = "lists databases and logins")]
async fn names(conn: &DatabaseConnection, sql: &str) -> Result<Vec<String>, Error> {
    let rows = conn
        .query_all_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            sql,
        ))
        .await?;
    rows.iter()
        .map(|row| row.try_get("", "name").map_err(Error::from))
        .collect()
}

/// The login name in an address.
pub(crate) fn login_of(url: &str) -> Result<String, Error> {
    Login::of(url).map(|login| login.name)
}

struct Login {
    name: String,
    password: String,
    database: String,
}

impl Login {
    fn of(url: &str) -> Result<Self, Error> {
        let url = parse(url)?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let name = decoded(url.username());
        let database = decoded(url.path().trim_start_matches('/'));
        if name.is_empty() || database.is_empty() {
            return Err(Error::Misconfigured(
                "a database address needs a login and a database".into(),
            ));
        }
        Ok(Self {
            name,
            password: decoded(url.password().unwrap_or_default()),
            database,
        })
    }

    async fn create(&self, admin: &DatabaseConnection) -> Result<(), Error> {
        let name = quoted(&self.name);
        let rights = "login nosuperuser nocreatedb nocreaterole nobypassrls";
        ignoring_existing(
            run(admin, &format!("create role {name} {rights}")).await,
            "42710",
        )?;
        let password = self.password.replace('\'', "''").replace('\\', "\\\\");
        run(
            admin,
            &format!("alter role {name} with login password E'{password}'"),
        )
        .await
    }
}

fn parse(url: &str) -> Result<Url, Error> {
    Url::parse(url).map_err(|_| Error::Misconfigured("a database address is malformed".into()))
}

/// The same server and login with another database.
fn on_database(url: &str, database: &str) -> Result<String, Error> {
    let mut url = parse(url)?;
    url.set_path(database);
    Ok(url.into())
}

async fn connect(url: &str) -> Result<DatabaseConnection, Error> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    Ok(Database::connect(options).await?)
}

#[expect(clippy::disallowed_methods, reason = "makes databases and logins")]
async fn run(conn: &DatabaseConnection, sql: &str) -> Result<(), Error> {
    conn.execute_unprepared(sql).await?;
    Ok(())
}

/// `create … if not exists` is missing for roles and databases, and another runner may be creating the same.
fn ignoring_existing(outcome: Result<(), Error>, state: &str) -> Result<(), Error> {
    match outcome {
        Err(Error::Unique) => Ok(()),
        Err(Error::Engine(error)) if sql_state(&error).as_deref() == Some(state) => Ok(()),
        other => other,
    }
}

fn sql_state(error: &sea_orm::DbErr) -> Option<String> {
    match error {
        sea_orm::DbErr::Exec(sea_orm::RuntimeErr::SqlxError(cause)) => cause
            .as_database_error()?
            .code()
            .map(std::borrow::Cow::into_owned),
        _ => None,
    }
}
