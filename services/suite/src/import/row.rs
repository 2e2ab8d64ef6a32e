//! One row of a file, well-formed or not.

use std::collections::HashMap;

/// What a column holds, by the kind of file.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// The cells of a CSV row, in order.
    Cells(csv::StringRecord),
    /// The object of an NDJSON line.
    Object(serde_json::Map<String, serde_json::Value>),
}

/// A well-formed row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Line of the file it begins on, from 1.
    pub(super) line: u64,
    pub(super) values: Values,
    /// The row as it stands in the file, for the reject file.
    pub(super) raw: String,
}

/// A row that became nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reject {
    pub(super) line: u64,
    /// Stable, such as `COLUMN_COUNT`.
    pub(super) reason: String,
    /// What is wrong, in words.
    pub(super) detail: String,
    pub(super) raw: String,
}

/// What reading one row gave.
#[derive(Debug)]
pub(super) enum Read {
    Row(Row),
    Broken(Reject),
}

/// Where a column of a map is found in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    /// A cell, from 0.
    Cell(usize),
    /// A member of the object, `a.b` looked up as written first and then level by level.
    Member(String),
}

impl Row {
    /// The text of a column; None when the row has none.
    pub(super) fn text(&self, column: &Column) -> Option<String> {
        match (&self.values, column) {
            (Values::Cells(cells), Column::Cell(index)) => cells.get(*index).map(str::to_owned),
            (Values::Object(object), Column::Member(path)) => member(object, path),
            _ => None,
        }
    }
}

fn member(object: &serde_json::Map<String, serde_json::Value>, path: &str) -> Option<String> {
    use serde_json::Value;
    if let Some(value) = object.get(path) {
        return match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
    }
    let (first, rest) = path.split_once('.')?;
    member(object.get(first)?.as_object()?, rest)
}

/// The columns of a header. A name may stand there more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    pub(super) names: Vec<String>,
}

impl Header {
    /// The column of a name.
    ///
    /// # Errors
    /// In words, when no column bears the name or several do.
    pub(super) fn find(&self, name: &str) -> Result<Column, String> {
        let places: Vec<usize> = self.places().remove(name).unwrap_or_default();
        match places.as_slice() {
            [place] => Ok(Column::Cell(*place)),
            [] => Err(format!(
                "the file has no column `{name}`; it has {}",
                self.names.join(", ")
            )),
            several => {
                let positions: Vec<String> = several
                    .iter()
                    .map(|place| (place + 1).to_string())
                    .collect();
                Err(format!(
                    "the file names `{name}` {} times: say which by position ({})",
                    several.len(),
                    positions.join(" or ")
                ))
            }
        }
    }

    /// The column at a position, from 1.
    ///
    /// # Errors
    /// In words, when the file has fewer columns.
    pub(super) fn at(&self, position: usize) -> Result<Column, String> {
        if (1..=self.names.len()).contains(&position) {
            Ok(Column::Cell(position - 1))
        } else {
            Err(format!(
                "there is no column {position}: the file has {}",
                self.names.len()
            ))
        }
    }

    fn places(&self) -> HashMap<&str, Vec<usize>> {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, name) in self.names.iter().enumerate() {
            places.entry(name).or_default().push(place);
        }
        places
    }
}
