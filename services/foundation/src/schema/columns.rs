//! The kinds of columns that migrations are made of. None is NULL unless it is [`optional`].

use sea_orm_migration::prelude::{Alias, ColumnDef};

fn required(name: &str, kind: impl FnOnce(&mut ColumnDef) -> &mut ColumnDef) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    kind(&mut column).not_null().to_owned()
}

/// An id.
#[must_use]
pub fn uuid(name: &str) -> ColumnDef {
    required(name, ColumnDef::uuid)
}

/// Text of any length.
#[must_use]
pub fn text(name: &str) -> ColumnDef {
    required(name, ColumnDef::text)
}

/// A 64-bit number, also a time in microseconds.
#[must_use]
pub fn number(name: &str) -> ColumnDef {
    required(name, ColumnDef::big_integer)
}

/// A 16-bit number, for codes.
#[must_use]
pub fn small(name: &str) -> ColumnDef {
    required(name, ColumnDef::small_integer)
}

/// Bytes of any length.
#[must_use]
pub fn bytes(name: &str) -> ColumnDef {
    required(name, ColumnDef::binary)
}

/// True or false; false where nobody says.
#[must_use]
pub fn flag(name: &str) -> ColumnDef {
    required(name, ColumnDef::boolean).default(false).to_owned()
}

/// JSON, in the form that the database reads best.
#[must_use]
pub fn json(name: &str) -> ColumnDef {
    required(name, ColumnDef::json_binary)
}

/// The same column, and it may be NULL.
#[must_use]
pub fn optional(mut column: ColumnDef) -> ColumnDef {
    column.null().to_owned()
}
