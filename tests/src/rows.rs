//! Counts rows past the suite, as somebody with the databases would.
#![expect(
    clippy::disallowed_methods,
    reason = "looks at all tenants' tables from outside"
)]

use std::{collections::BTreeMap, path::Path};

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbErr, Statement};

use crate::suite::{Engine, ROLES, sqlite_file};

pub(crate) async fn counts(engine: &Engine, folder: &Path) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for role in ROLES {
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}?mode=ro", sqlite_file(folder, role).display()),
            Engine::Postgres { admin_url, prefix } => {
                let server = admin_url
                    .rsplit_once('/')
                    .map_or(admin_url.as_str(), |(server, _)| server);
                format!("{server}/{prefix}_{role}")
            }
        };
        let database = Database::connect(url).await.expect("the suite's database");
        let tables = tables(&database, engine).await.expect("a catalogue");
        // The audit trail grows with every call, those of whoever counts included.
        for table in tables
            .into_iter()
            .filter(|table| !table.starts_with("audit_"))
        {
            let rows = rows(&database, &table).await.expect("a table");
            counts.insert(format!("{role}.{table}"), rows);
        }
        database.close().await.expect("an open connection");
    }
    counts
}

async fn tables(database: &DatabaseConnection, engine: &Engine) -> Result<Vec<String>, DbErr> {
    let catalogue = match engine {
        Engine::Sqlite => {
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        }
        Engine::Postgres { .. } => {
            "select tablename as name from pg_tables where schemaname = 'public'"
        }
    };
    let statement = Statement::from_string(database.get_database_backend(), catalogue);
    let rows = database.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}

async fn rows(database: &DatabaseConnection, table: &str) -> Result<u64, DbErr> {
    let count = format!("select count(*) as n from \"{table}\"");
    let statement = Statement::from_string(database.get_database_backend(), count);
    let row = database.query_one_raw(statement).await?;
    let n: i64 = row
        .map(|row| row.try_get("", "n"))
        .transpose()?
        .unwrap_or(0);
    Ok(n.unsigned_abs())
}
