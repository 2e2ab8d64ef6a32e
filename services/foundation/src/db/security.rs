//! PostgreSQL row security: the wall behind the scoped query.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, Statement};

use super::provision::login_of;
use super::{DatabaseConfig, Error};

/// Puts row security and grants on every table that lacks them. What is there already is left alone, because
/// changing a policy locks its table.
pub(crate) async fn secure(tx: &DatabaseTransaction, config: &DatabaseConfig) -> Result<(), Error> {
    let app = quoted(&login_of(&config.url)?);
    let system = quoted(&login_of(&config.system_url)?);
    for table in names(tx, UNSECURED).await? {
        let table = quoted(&table);
        for sql in [
            format!("alter table {table} enable row level security"),
            format!("alter table {table} force row level security"),
            // A setting that was once set reads as an empty string afterwards, never as NULL again.
            format!(
                "create policy tenant_scope on {table} to {app} \
                 using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) \
                 with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)"
            ),
            format!(
                "create policy system_scope on {table} to {system} using (true) with check (true)"
            ),
            format!("grant select, insert, update, delete on {table} to {app}"),
        ] {
            run(tx, &sql).await?;
        }
    }
    for table in names(tx, TABLES).await? {
        run(
            tx,
            &format!(
                "grant select, insert, update, delete on {} to {system}",
                quoted(&table)
            ),
        )
        .await?;
    }
    run(
        tx,
        &format!("grant usage, select on all sequences in schema public to {app}, {system}"),
    )
    .await
}

const TABLES: &str = "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where n.nspname = 'public' and c.relkind in ('r', 'p')";

const UNSECURED: &str = "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity) \
     and exists (select 1 from pg_attribute a \
                 where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)";

#[expect(clippy::disallowed_methods, reason = "reads the catalogue")]
async fn names(tx: &DatabaseTransaction, sql: &str) -> Result<Vec<String>, Error> {
    let rows = tx
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    rows.iter()
        .map(|row| row.try_get("", "name").map_err(Error::from))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "changes the catalogue")]
async fn run(tx: &DatabaseTransaction, sql: &str) -> Result<(), Error> {
    tx.execute_unprepared(sql).await?;
    Ok(())
}

/// A name as a quoted identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
