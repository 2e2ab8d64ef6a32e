//! Rows of an entity as one array a column: on PostgreSQL one prepared text then serves every number of rows. A VALUES
//! list has a text of its own for each number, which is parsed anew and asked for twice whenever it has not been met
//! lately: a batch of decisions over a dozen tables spent more on that than on its rows.

use sea_orm::sea_query::{ArrayType, ColumnType};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityName, EntityTrait, Iterable, Value,
};
use sea_orm::{FromQueryResult, IdenStatic};

use super::bulk::Type;
use super::{Access, Engine, Error};

/// The column of an active model.
type ColumnOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;
/// The model of an active model.
type ModelOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Model;

/// Bits of the number that says which values of a row are absent: an array holds no NULL.
const MOST_NULLABLE: usize = 63;

/// A statement that inserts rows, up to what stands behind the values.
pub(super) struct Insertion {
    sql: String,
    values: Vec<Value>,
}

/// What becomes of a row whose key is taken.
pub(super) enum Taken<C> {
    /// The statement fails.
    Fails,
    /// The row there gets the new values of these columns.
    Changes(Vec<C>),
    /// The row there stays.
    Stays,
}

impl Insertion {
    /// None when it cannot be told so: on another engine, of a type that has no array here, or when rows name
    /// different columns.
    pub(super) fn of<A: ActiveModelTrait>(engine: Engine, rows: &[A]) -> Option<Self> {
        let first = rows.first().filter(|_| engine == Engine::Postgres)?;
        let given = ColumnOf::<A>::iter().filter(|column| !first.is_not_set(*column));
        let mut columns = given
            .map(|column| Column::new(first, column))
            .collect::<Option<Vec<_>>>()?;
        let nullable = columns.iter().filter(|column| column.nullable).count();
        let others = ColumnOf::<A>::iter().count() - columns.len();
        if nullable > MOST_NULLABLE {
            return None;
        }
        let mut absent = Vec::with_capacity(rows.len());
        for row in rows {
            let left_out = ColumnOf::<A>::iter().filter(|column| row.is_not_set(*column));
            if left_out.count() != others {
                return None;
            }
            absent.push(take(&mut columns, row)?.into());
        }
        let table = <A::Entity as Default>::default();
        Some(Self {
            sql: text(table.table_name(), &columns),
            values: columns
                .into_iter()
                .map(Column::array)
                .chain([Value::Array(ArrayType::BigInt, Some(Box::new(absent)))])
                .collect(),
        })
    }

    /// Inserts.
    pub(super) async fn run<C: ColumnTrait>(
        mut self,
        access: &Access,
        key: &[C],
        taken: Taken<C>,
    ) -> Result<(), Error> {
        match taken {
            Taken::Fails => {}
            Taken::Changes(columns) => {
                let (key, changes) = (
                    names(key),
                    names_as(&columns, |name| format!("{name} = excluded.{name}")),
                );
                self.sql += &format!(" on conflict ({key}) do update set {changes}");
            }
            Taken::Stays => self.sql += &keeping(key),
        }
        access.insert(self.sql, self.values).await
    }

    /// Inserts those whose key is free, and answers them.
    pub(super) async fn fresh<A: ActiveModelTrait>(
        self,
        access: &Access,
        key: &[ColumnOf<A>],
    ) -> Result<Vec<ModelOf<A>>, Error> {
        let all: Vec<_> = ColumnOf::<A>::iter().collect();
        let sql = format!("{}{} returning {}", self.sql, keeping(key), names(&all));
        let fresh = access.all(&sql, self.values).await?;
        let read =
            |row| ModelOf::<A>::from_query_result(row, "").map_err(|error| access.noted(error));
        fresh.iter().map(read).collect()
    }
}

fn keeping<C: IdenStatic>(key: &[C]) -> String {
    format!(" on conflict ({}) do nothing", names(key))
}

/// What goes into one column.
struct Column<C> {
    column: C,
    nullable: bool,
    array: (ArrayType, &'static str),
    /// What its text is to become, if it is no text.
    cast: &'static str,
    values: Vec<Value>,
}

impl<C: ColumnTrait> Column<C> {
    fn new<A>(first: &A, column: C) -> Option<Self>
    where
        A: ActiveModelTrait,
        A::Entity: EntityTrait<Column = C>,
    {
        Some(Self {
            column,
            nullable: column.def().is_null(),
            array: kind(&value(first, column)?)?.array(),
            cast: match column.def().get_column_type() {
                ColumnType::Json => "::json",
                ColumnType::JsonBinary => "::jsonb",
                _ => "",
            },
            values: Vec::new(),
        })
    }

    fn array(self) -> Value {
        Value::Array(self.array.0, Some(Box::new(self.values)))
    }
}

fn value<A, C>(row: &A, column: C) -> Option<Value>
where
    A: ActiveModelTrait,
    A::Entity: EntityTrait<Column = C>,
{
    match row.get(column) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some(match value {
            Value::Json(json) => Value::String(json.map(|json| json.to_string())),
            value => value,
        }),
        ActiveValue::NotSet => None,
    }
}

/// Puts the values of a row into their columns; answers which of those that may be absent are.
fn take<A, C>(columns: &mut [Column<C>], row: &A) -> Option<i64>
where
    A: ActiveModelTrait,
    A::Entity: EntityTrait<Column = C>,
    C: ColumnTrait,
{
    let (mut absent, mut bit) = (0, 1);
    for column in columns {
        let value = value(row, column.column)?;
        let is_null = !value.is_some();
        match (column.nullable, is_null) {
            (false, true) => return None,
            (true, true) => absent |= bit,
            _ => {}
        }
        column
            .values
            .push(if is_null { value.dummy_value() } else { value });
        if column.nullable {
            bit <<= 1;
        }
    }
    Some(absent)
}

const fn kind(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Bool(_) => Type::Bool,
        Value::SmallInt(_) => Type::Small,
        Value::BigInt(_) => Type::Big,
        Value::String(_) => Type::Text,
        Value::Bytes(_) => Type::Bytes,
        Value::Uuid(_) => Type::Uuid,
        _ => return None,
    })
}

/// `insert into t (a, b) select a, case when absent & 1 <> 0 then null else b end from unnest(…) as r(a, b, absent)`.
fn text<C: ColumnTrait>(table: &str, columns: &[Column<C>]) -> String {
    let all: Vec<C> = columns.iter().map(|column| column.column).collect();
    let all = names(&all);
    let mut bit = 1_i64;
    let chosen = columns.iter().map(|column| {
        let name = quoted(column.column.as_str()) + column.cast;
        if !column.nullable {
            return name;
        }
        let here = bit;
        bit <<= 1;
        format!("case when absent & {here} <> 0 then null else {name} end")
    });
    let chosen = chosen.collect::<Vec<_>>().join(", ");
    let types = columns.iter().map(|column| column.array.1);
    let types = types.chain(["bigint[]"]).enumerate();
    let arrays = types.map(|(n, name)| format!("${}::{name}", n + 1));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let table = quoted(table);
    format!("insert into {table} ({all}) select {chosen} from unnest({arrays}) as r({all}, absent)")
}

fn names<C: IdenStatic>(columns: &[C]) -> String {
    names_as(columns, str::to_owned)
}

fn names_as<C: IdenStatic>(columns: &[C], say: impl Fn(&str) -> String) -> String {
    let names = columns.iter().map(|column| say(&quoted(column.as_str())));
    names.collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
