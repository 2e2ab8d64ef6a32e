//! One value of a contact, bound to the columns of a file.

use std::collections::{BTreeMap, HashSet};

use super::map::{ColumnSpec, FieldSpec, FieldTable, Format};
use super::row::{Column, Header, Row};

/// How a value is put together from a row.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pieces: Vec<Piece>,
    values: BTreeMap<String, String>,
    unlisted: Option<String>,
    absent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Column(Column),
}

/// What a file offers to bind to.
pub(super) struct Binding<'a> {
    pub(super) header: &'a Header,
    pub(super) format: Format,
}

impl Field {
    /// # Errors
    /// In words, when the specification does not fit itself or the file.
    pub(super) fn bind(spec: &FieldSpec, binding: &Binding<'_>) -> Result<Field, String> {
        match spec {
            FieldSpec::Constant(text) => Ok(Field {
                pieces: vec![Piece::Text(text.clone())],
                values: BTreeMap::new(),
                unlisted: None,
                absent: None,
            }),
            FieldSpec::Table(table) => Field::bind_table(table, binding),
        }
    }

    fn bind_table(table: &FieldTable, binding: &Binding<'_>) -> Result<Field, String> {
        let pieces = match (&table.column, &table.template) {
            (Some(column), None) => vec![Piece::Column(binding.column(column)?)],
            (None, Some(template)) => binding.template(template)?,
            _ => return Err("give exactly one of `column` and `template`".into()),
        };
        Ok(Field {
            pieces,
            values: table.values.clone(),
            unlisted: table.unlisted.clone(),
            absent: table.absent.clone(),
        })
    }

    /// The value in a row; None when it is missing.
    ///
    /// # Errors
    /// In words, when the value is one the map does not list.
    pub(super) fn value(
        &self,
        row: &Row,
        missing: &HashSet<String>,
    ) -> Result<Option<String>, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Column(column) => match row.text(column) {
                    Some(part) if !part.is_empty() && !missing.contains(&part) => {
                        text.push_str(&part);
                    }
                    _ => return Ok(self.absent.clone()),
                },
            }
        }
        if self.values.is_empty() {
            return Ok(Some(text));
        }
        match (self.values.get(&text), &self.unlisted) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(other)) => Ok(Some(other.clone())),
            (None, None) => Err(format!("`{text}` is not listed in the map")),
        }
    }

    /// Every value the map itself spells out, to be checked before the first row.
    pub(super) fn spelled_out(&self) -> Vec<&str> {
        let constant = match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        };
        let listed = self.values.values();
        listed
            .chain(constant)
            .chain(&self.unlisted)
            .chain(&self.absent)
            .map(String::as_str)
            .collect()
    }
}

impl Binding<'_> {
    fn column(&self, spec: &ColumnSpec) -> Result<Column, String> {
        match (self.format, spec) {
            (Format::Csv, ColumnSpec::Name(name)) => self.header.find(name),
            (Format::Csv, ColumnSpec::Position(position)) => self.header.at(*position),
            (Format::Ndjson, ColumnSpec::Name(name)) => Ok(Column::Member(name.clone())),
            (Format::Ndjson, ColumnSpec::Position(_)) => {
                Err("an NDJSON file has no positions: name the member".into())
            }
        }
    }

    fn template(&self, template: &str) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!("`{template}` has a brace without its pair"));
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            let spec = match name.parse() {
                Ok(position) => ColumnSpec::Position(position),
                Err(_) => ColumnSpec::Name(name.to_owned()),
            };
            pieces.push(Piece::Column(self.column(&spec)?));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(pieces)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::row::Values;
    use super::*;

    fn row(cells: &[&str]) -> Row {
        Row {
            line: 2,
            values: Values::Cells(cells.iter().collect()),
            raw: cells.join(","),
        }
    }

    fn field(toml: &str, names: &[&str]) -> Result<Field, String> {
        #[derive(serde::Deserialize)]
        struct One {
            field: FieldSpec,
        }
        let header = Header {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let One { field } = toml::from_str(toml).unwrap();
        let binding = Binding {
            header: &header,
            format: Format::Csv,
        };
        Field::bind(&field, &binding)
    }

    #[test]
    fn a_name_that_stands_twice_must_be_said_by_position() {
        let names = ["id", "category", "category"];
        let refused = field(r#"field = { column = "category" }"#, &names).unwrap_err();
        assert!(
            refused.contains("2 times") && refused.contains("2 or 3"),
            "{refused}"
        );
        let second = field("field = { column = 3 }", &names).unwrap();
        let value = second.value(&row(&["1", "a", "b"]), &HashSet::new());
        assert_eq!(value, Ok(Some("b".into())));
        assert!(field("field = { column = 4 }", &names).is_err());
        assert!(field(r#"field = { column = "gone" }"#, &names).is_err());
    }

    #[test]
    fn a_template_is_missing_when_one_of_its_columns_is() {
        let names = ["group", "site"];
        let field = field(r#"field = { template = "{{g}}-{group}/{2}" }"#, &names).unwrap();
        let missing = HashSet::from(["?".to_owned()]);
        assert_eq!(
            field.value(&row(&["7", "x"]), &missing),
            Ok(Some("{g}-7/x".into()))
        );
        assert_eq!(field.value(&row(&["?", "x"]), &missing), Ok(None));
        assert_eq!(field.value(&row(&["7", ""]), &missing), Ok(None));
    }

    #[test]
    fn a_value_the_map_does_not_list_is_refused_unless_it_says_what_to_do() {
        let strict = field(r#"field = { column = 1, values = { a = "A" } }"#, &["x"]).unwrap();
        assert_eq!(
            strict.value(&row(&["a"]), &HashSet::new()),
            Ok(Some("A".into()))
        );
        assert!(strict.value(&row(&["b"]), &HashSet::new()).is_err());
        let open = r#"field = { column = 1, values = { a = "A" }, unlisted = "O", absent = "N" }"#;
        let open = field(open, &["x"]).unwrap();
        assert_eq!(
            open.value(&row(&["b"]), &HashSet::new()),
            Ok(Some("O".into()))
        );
        assert_eq!(
            open.value(&row(&[""]), &HashSet::new()),
            Ok(Some("N".into()))
        );
    }

    #[test]
    fn braces_without_their_pair_are_refused() {
        assert!(field(r#"field = { template = "a{x" }"#, &["x"]).is_err());
        assert!(field(r#"field = { template = "a}x" }"#, &["x"]).is_err());
        assert!(field("field = { }", &["x"]).is_err());
    }
}
