//! Row security on PostgreSQL: what a forgotten filter would meet.

use rapport_foundation::db::{Database, DatabaseConfig, Error};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, TestEnv, engines, env, tenant};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

use crate::note::{migrations, note};

async fn on_postgres(test: impl AsyncFn(TestEnv)) {
    for engine in engines() {
        if matches!(engine, Engine::Postgres { .. }) {
            test(env(&engine, Role::Profiles, migrations).await).await;
        }
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1);
    sea_orm::Database::connect(options).await.unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "plays an attacker with the login of the app"
)]
async fn all(conn: &DatabaseConnection, sql: &str) -> Result<Vec<QueryResult>, sea_orm::DbErr> {
    conn.query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
}

fn names(rows: &[QueryResult]) -> Vec<String> {
    rows.iter()
        .map(|row| row.try_get("", "name").unwrap())
        .collect()
}

#[tokio::test]
async fn the_app_login_sees_nothing_without_a_tenant_and_cannot_switch_the_wall_off() {
    on_postgres(async |t| {
        let ours = tenant();
        t.db.write(ours, |s| async move { s.insert(note(Uuid::now_v7(), "x")).await }).await.unwrap();
        let app = connect(&t.database.config.url).await;
        assert_eq!(all(&app, "select 1 from notes").await.unwrap().len(), 0);
        let insert = format!(
            "insert into notes (tenant_id, id, version, words, extra, at) values ('{}', '{}', 1, '', '{{}}', 1)",
            ours.uuid(),
            Uuid::now_v7()
        );
        assert!(all(&app, &insert).await.is_err());
        all(&app, "set row_security = off").await.unwrap();
        assert!(all(&app, "select 1 from notes").await.is_err());
        assert!(all(&app, "alter table notes disable row level security").await.is_err());
        assert!(all(&app, "create table mine (x int)").await.is_err());

        let system = connect(&t.database.config.system_url).await;
        assert_eq!(all(&system, "select 1 from notes").await.unwrap().len(), 1);
        let owner = connect(&t.database.config.owner_url).await;
        assert_eq!(all(&owner, "select 1 from notes").await.unwrap().len(), 0, "forced on the owner too");
    })
    .await;
}

#[tokio::test]
async fn every_table_with_a_tenant_is_behind_the_wall() {
    on_postgres(async |t| {
        let owner = connect(&t.database.config.owner_url).await;
        let tables = "select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                      where n.nspname = 'public' and c.relkind = 'r'";
        let secured = format!("{tables} and c.relrowsecurity and c.relforcerowsecurity and \
                      (select count(*) from pg_policies p where p.tablename = c.relname) = 2 order by 1");
        let tenants = format!("{tables} and exists (select 1 from pg_attribute a \
                      where a.attrelid = c.oid and a.attname = 'tenant_id') order by 1");
        let secured = names(&all(&owner, &secured).await.unwrap());
        assert_eq!(secured, names(&all(&owner, &tenants).await.unwrap()));
        assert_eq!(secured.len(), 8);
        let without = format!("{tables} and not c.relrowsecurity order by 1");
        let without = names(&all(&owner, &without).await.unwrap());
        assert_eq!(without, ["log_epoch", "profiles_migrations", "relay_lease"]);
        let logins = "select rolname::text as name from pg_roles where (rolsuper or rolbypassrls) \
                      and rolname <> 'postgres' and rolname not like 'pg\\_%'";
        assert!(names(&all(&owner, logins).await.unwrap()).iter().all(|name| !name.starts_with("rt_")));
    })
    .await;
}

#[tokio::test]
async fn a_login_that_row_security_does_not_hold_is_refused() {
    on_postgres(async |t| {
        let Engine::Postgres { admin_url } = &t.database.engine else {
            return;
        };
        let (_, name) = t.database.config.url.rsplit_once('/').unwrap();
        let (server, _) = admin_url.rsplit_once('/').unwrap();
        let config = DatabaseConfig {
            url: format!("{server}/{name}"),
            ..t.database.config.clone()
        };
        let power = "select 1 from pg_roles where rolname = current_user and rolsuper";
        if all(&connect(admin_url).await, power)
            .await
            .unwrap()
            .is_empty()
        {
            // The login this run was given can do no more than it should.
            return;
        }
        let outcome = Database::open(&config, Role::Profiles).await;
        assert!(matches!(outcome, Err(Error::Misconfigured(_))));
    })
    .await;
}
