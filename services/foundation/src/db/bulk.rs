//! Many rows in one statement, on both engines.
//!
//! PostgreSQL takes one array a column (`unnest`): one prepared text serves every batch size. SQLite takes a VALUES
//! list. An array cannot hold NULL, so bulk statements name no nullable columns.

use sea_orm::sea_query::ArrayType;
use sea_orm::{QueryResult, Value};

use super::{Engine, Error, Scoped};

/// Rows of one statement on SQLite, which takes 32,766 values in all.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A UUID.
    Uuid,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// An integer of 64 bits; a time in microseconds.
    Big,
    /// An integer of 16 bits.
    Small,
    /// True or false.
    Bool,
}

impl Type {
    pub(super) const fn array(self) -> (ArrayType, &'static str) {
        match self {
            Self::Uuid => (ArrayType::Uuid, "uuid[]"),
            Self::Text => (ArrayType::String, "text[]"),
            Self::Bytes => (ArrayType::Bytes, "bytea[]"),
            Self::Big => (ArrayType::BigInt, "bigint[]"),
            Self::Small => (ArrayType::SmallInt, "smallint[]"),
            Self::Bool => (ArrayType::Bool, "boolean[]"),
        }
    }
}

/// Names and types of the columns of a bulk statement, without the tenant.
pub type Columns = [(&'static str, Type)];

/// Inserts rows; `behind` is what stands behind the values (`on conflict …`). Answers how many were inserted.
///
/// # Errors
/// [`Error::Unique`] when a key is taken and nothing behind the values says what then.
pub async fn insert(
    s: &Scoped,
    table: &str,
    columns: &Columns,
    rows: Vec<Vec<Value>>,
    behind: &str,
) -> Result<u64, Error> {
    let mut touched = 0;
    for rows in chunks(s.engine(), rows) {
        let names = names(columns);
        let into = format!("insert into {table} (tenant_id, {names})");
        let (sql, values) = match s.engine() {
            Engine::Postgres => {
                let (source, values) = unnested(columns, rows);
                (
                    format!("{into} select $1::uuid, {names} from {source} {behind}"),
                    values,
                )
            }
            _ => {
                let (source, values) = listed(columns, rows, "$1, ");
                (
                    format!("with {FIRST} {into} values {source} {behind}"),
                    values,
                )
            }
        };
        touched += s.raw_exec(&sql, values).await?;
    }
    Ok(touched)
}

/// Runs a query that begins with the rows as `k`, such as `select … from k cross join t where t.tenant_id = $1 and …`.
///
/// # Errors
/// When the store fails.
pub async fn select(
    s: &Scoped,
    columns: &Columns,
    rows: Vec<Vec<Value>>,
    query: &str,
) -> Result<Vec<QueryResult>, Error> {
    let mut found = Vec::new();
    for rows in chunks(s.engine(), rows) {
        let (sql, values) = with(s, columns, rows, query);
        found.extend(s.raw_all(&sql, values).await?);
    }
    Ok(found)
}

/// Like [`select`], for a statement that changes rows. Answers how many.
///
/// # Errors
/// When the store fails.
pub async fn change(
    s: &Scoped,
    columns: &Columns,
    rows: Vec<Vec<Value>>,
    statement: &str,
) -> Result<u64, Error> {
    let mut touched = 0;
    for rows in chunks(s.engine(), rows) {
        let (sql, values) = with(s, columns, rows, statement);
        touched += s.raw_exec(&sql, values).await?;
    }
    Ok(touched)
}

/// Joins what fits each row, found by an index: `from k {each(…, "interaction i", "i.id = k.wanted …")}`.
///
/// A plan that was made while the table was empty reads all of a tenant for every
/// batch in a plain join: 50 ms instead of 1 after some 10,000 rows (measured while statements kept their plans; sessions
/// plan anew since). A subquery that may not be pulled up is looked into row by row. SQLite keeps the order of cross joins.
#[must_use]
pub fn each(engine: Engine, table: &str, fits: &str) -> String {
    match (engine, table.rsplit_once(' ')) {
        (Engine::Postgres, Some((_, alias))) => {
            format!("cross join lateral (select * from {table} where {fits} offset 0) {alias}")
        }
        _ => format!("cross join {table} on {fits}"),
    }
}

fn with(s: &Scoped, columns: &Columns, rows: Vec<Vec<Value>>, query: &str) -> (String, Vec<Value>) {
    let names = names(columns);
    match s.engine() {
        Engine::Postgres => {
            let (source, values) = unnested(columns, rows);
            (
                format!("with k({names}) as (select {names} from {source}) {query}"),
                values,
            )
        }
        _ => {
            let (source, values) = listed(columns, rows, "");
            (
                format!("with {FIRST}, k({names}) as (values {source}) {query}"),
                values,
            )
        }
    }
}

fn names(columns: &Columns) -> String {
    columns
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Rows cut into statements; none for no rows. On SQLite only few sizes occur: each has a text of its own, and prepared
/// statements of hundreds of rows are too large to keep one for every size.
fn chunks(engine: Engine, rows: Vec<Vec<Value>>) -> Vec<Vec<Vec<Value>>> {
    if engine == Engine::Postgres {
        return if rows.is_empty() {
            Vec::new()
        } else {
            vec![rows]
        };
    }
    let mut chunks = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(size) = SIZES.into_iter().find(|size| *size <= rows.len()) {
        chunks.push(rows.by_ref().take(size).collect());
    }
    chunks
}

/// `unnest($2::uuid[], …) as t(id, …)` with one array a column.
fn unnested(columns: &Columns, rows: Vec<Vec<Value>>) -> (String, Vec<Value>) {
    let mut arrays: Vec<Vec<Value>> = columns
        .iter()
        .map(|_| Vec::with_capacity(rows.len()))
        .collect();
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            array.push(value);
        }
    }
    let list: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, (_, kind))| format!("${}::{}", n + 2, kind.array().1))
        .collect();
    let values = columns.iter().zip(arrays);
    let values = values
        .map(|((_, kind), array)| Value::Array(kind.array().0, Some(Box::new(array))))
        .collect();
    (
        format!("unnest({}) as t({})", list.join(", "), names(columns)),
        values,
    )
}

/// On SQLite a numbered placeholder has a name, and binding looks through all names for each: thousands of them would
/// take longer than the statement. Placeholders without a number are counted on their own, from the tenant on; this
/// takes the tenant's place in that count.
const FIRST: &str = "first(tenant) as (values (?))";

/// `(?, ?, …), (?, …)`, with something in front of each row's own values.
fn listed(columns: &Columns, rows: Vec<Vec<Value>>, front: &str) -> (String, Vec<Value>) {
    let row = format!("({front}{})", vec!["?"; columns.len()].join(", "));
    let sql = vec![row.as_str(); rows.len()].join(", ");
    (sql, rows.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &Columns = &[("a", Type::Big), ("b", Type::Text)];

    fn rows(count: i64) -> Vec<Vec<Value>> {
        (0..count)
            .map(|n| vec![n.into(), n.to_string().into()])
            .collect()
    }

    #[test]
    fn a_list_has_a_place_for_each_value() {
        let (sql, values) = listed(COLUMNS, rows(2), "$1, ");
        assert_eq!(sql, "($1, ?, ?), ($1, ?, ?)");
        assert_eq!(values.len(), 4);
        assert_eq!(listed(COLUMNS, rows(2), "").0, "(?, ?), (?, ?)");
    }

    #[test]
    fn an_array_a_column_has_one_text_for_every_size() {
        let (sql, values) = unnested(COLUMNS, rows(3));
        assert_eq!(sql, "unnest($2::bigint[], $3::text[]) as t(a, b)");
        assert_eq!(values.len(), 2);
        assert_eq!(unnested(COLUMNS, rows(9)).0, sql);
    }

    #[test]
    fn sqlite_sees_few_sizes_of_statements_and_postgresql_one_statement() {
        let sizes = |engine, count| -> Vec<usize> {
            chunks(engine, rows(count)).iter().map(Vec::len).collect()
        };
        assert!(sizes(Engine::Sqlite, 0).is_empty() && sizes(Engine::Postgres, 0).is_empty());
        assert_eq!(sizes(Engine::Sqlite, 600), [256, 256, 64, 16, 4, 4]);
        assert_eq!(sizes(Engine::Sqlite, 3), [1, 1, 1]);
        assert_eq!(sizes(Engine::Postgres, 600), [600]);
    }
}
