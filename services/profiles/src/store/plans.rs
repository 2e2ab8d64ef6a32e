//! How SQLite goes about the queries that every contact costs. It has no statistics, so a plan that walks all rows
//! of a tenant is one careless join away; PostgreSQL gathers its own.

use rapport_foundation::db::{Database, Error};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, tenant};
use sea_orm::Value;

use super::edges::holding_sql;
use super::identifiers::{held_sql, known_sql};
use super::resolving::brought_sql;

async fn plan(db: &Database, sql: &str) -> Vec<String> {
    let values = 1 + sql.matches('$').count();
    let rows = db
        .read(tenant(), |s| async move {
            let values = vec![Value::from(Vec::<u8>::new()); values];
            s.raw_all(&format!("explain query plan {sql}"), values)
                .await
        })
        .await
        .unwrap_or_else(|error: Error| panic!("{sql}: {error}"));
    rows.iter()
        .map(|row| row.try_get::<String>("", "detail"))
        .collect::<Result<_, _>>()
        .unwrap_or_default()
}

#[tokio::test]
async fn no_look_up_walks_all_rows_of_a_tenant() -> Result<(), Error> {
    let made = Engine::Sqlite
        .database(Role::Profiles, crate::migration::migrations)
        .await;
    let db = Database::open(&made.config, Role::Profiles).await?;
    let by_record = "select * from identifiers where tenant_id = $1 and record_id in ($2, $3) and valid_until is null";
    for sql in [
        known_sql(1),
        known_sql(11),
        known_sql(400),
        held_sql(1),
        held_sql(50),
        brought_sql(1, 1),
        brought_sql(3, 40),
        holding_sql("from_record", "2, 3", 3),
        holding_sql("to_record", "2, 3", 3),
        by_record.to_owned(),
        "select * from records where tenant_id = $1 and customer_id in ($2, $3)".into(),
        "select * from customers where tenant_id = $1 and part_of in ($2, $3)".into(),
    ] {
        let steps = plan(&db, &sql).await;
        assert!(!steps.is_empty(), "{sql}");
        let careless = |step: &String| step.starts_with("SCAN") || step.ends_with("(tenant_id=?)");
        assert!(!steps.iter().any(careless), "{sql}: {steps:#?}");
    }
    db.close().await;
    Ok(())
}
