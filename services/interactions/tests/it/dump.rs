//! Everything that a database holds, as text.

use std::path::Path;

use rapport_foundation::db::{Database, Engine, Error};

/// Every table with every column of its rows as text, bytes in hexadecimal.
pub(crate) async fn tables(db: &Database) -> Vec<(String, String)> {
    let names = match db.engine() {
        Engine::Postgres => {
            "select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = 'public' and c.relkind in ('r', 'p')"
        }
        // What a virtual table holds is in its shadow tables.
        _ => {
            "select name from sqlite_master where type = 'table' and sql not like 'create virtual%'"
        }
    };
    let dumped: Result<Vec<(String, String)>, Error> = db
        .system_read(async |system| {
            let mut tables = Vec::new();
            for table in system.raw_all(names, []).await? {
                let table: String = table.try_get("", "name")?;
                let sql = match db.engine() {
                    Engine::Postgres => format!("select t::text as row from \"{table}\" t"),
                    _ => {
                        let columns = format!(
                            "select group_concat('quote(\"' || name || '\")', ' || '','' || ') as columns \
                             from pragma_table_info('{table}')"
                        );
                        let columns = system.raw_all(&columns, []).await?;
                        let columns: String = columns[0].try_get("", "columns")?;
                        format!("select {columns} as row from \"{table}\"")
                    }
                };
                let rows = system.raw_all(&sql, []).await?;
                let rows: Result<Vec<String>, _> =
                    rows.iter().map(|row| row.try_get("", "row")).collect();
                tables.push((table, rows?.join("\n")));
            }
            Ok(tables)
        })
        .await;
    dumped.unwrap()
}

/// The files of a SQLite database that are there: itself and what was written ahead.
pub(crate) fn files(path: &Path) -> Vec<Vec<u8>> {
    let named = ["", "-wal", "-shm"].map(|suffix| {
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        path
    });
    named
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}
