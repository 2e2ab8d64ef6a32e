//! The map of an import: a TOML file that says what the columns of a file mean.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// A map as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Map {
    #[serde(default)]
    pub(super) source: Source,
    #[serde(default)]
    pub(super) time: TimeRules,
    pub(super) contact: Contact,
    /// Ways to recognise the customer, strongest first.
    #[serde(default, rename = "identifier")]
    pub(super) identifiers: Vec<Identifier>,
    /// Facts that have no field: attribute key → where its value is.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, FieldSpec>,
    pub(super) order: Option<Order>,
}

/// How the file is to be read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Source {
    pub(super) format: Format,
    /// What stands between the cells of a CSV row; one ASCII character.
    pub(super) delimiter: char,
    /// Whether the first CSV row names the columns. Without, columns are said by position.
    pub(super) header: bool,
    /// Texts that stand for "nothing here". The empty text always does.
    pub(super) missing: Vec<String>,
    /// Only the first row of each value of this column is a contact; the others are folded into it.
    pub(super) first_by: Option<ColumnSpec>,
}

impl Default for Source {
    fn default() -> Self {
        Source {
            format: Format::Csv,
            delimiter: ',',
            header: true,
            missing: Vec::new(),
            first_by: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Csv,
    Ndjson,
}

/// How times are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TimeRules {
    /// IANA zone of times that name none.
    pub(super) zone: String,
    /// Tried in order: strftime patterns, or `rfc3339`, `unix_s`, `unix_ms`.
    pub(super) formats: Vec<String>,
}

impl Default for TimeRules {
    fn default() -> Self {
        TimeRules {
            zone: "UTC".into(),
            formats: vec!["rfc3339".into()],
        }
    }
}

/// What of a contact is found where.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    pub(super) external_id: FieldSpec,
    pub(super) event_time: FieldSpec,
    pub(super) kind: FieldSpec,
    pub(super) channel: FieldSpec,
    pub(super) direction: FieldSpec,
    pub(super) purpose: Option<FieldSpec>,
    pub(super) thread_key: Option<FieldSpec>,
    pub(super) subject: Option<FieldSpec>,
    pub(super) text: Option<FieldSpec>,
    pub(super) queue: Option<FieldSpec>,
    pub(super) priority: Option<FieldSpec>,
    #[serde(default)]
    pub(super) skills: Vec<FieldSpec>,
    pub(super) automatic: Option<FieldSpec>,
    pub(super) display_name: Option<FieldSpec>,
    pub(super) language: Option<FieldSpec>,
    pub(super) time_zone: Option<FieldSpec>,
    pub(super) region: Option<FieldSpec>,
}

/// One way to recognise the customer. Left out of a contact whose value is missing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identifier {
    #[serde(rename = "type")]
    pub(super) kind: FieldSpec,
    pub(super) value: FieldSpec,
    pub(super) namespace: Option<FieldSpec>,
}

/// The purchase a contact carries. Left out of a contact whose id is missing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) id: FieldSpec,
    /// A decimal number, such as `12.50`.
    pub(super) total: FieldSpec,
    pub(super) currency: FieldSpec,
    /// Decimal places kept, 0 to 6.
    pub(super) exponent: u8,
}

/// Where one value comes from: a text is a constant, a table says more.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum FieldSpec {
    Constant(String),
    Table(FieldTable),
}

/// Exactly one of `column` and `template`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FieldTable {
    /// A column by name or by position from 1; in NDJSON a member, `a.b` for one inside another.
    pub(super) column: Option<ColumnSpec>,
    /// A text with columns in braces, `{name}` or `{3}`; `{{` is a brace. Missing when one of them is.
    pub(super) template: Option<String>,
    /// What the value becomes.
    pub(super) values: BTreeMap<String, String>,
    /// What a value becomes that `values` does not list; without it the row is rejected.
    pub(super) unlisted: Option<String>,
    /// What stands for a missing value.
    pub(super) absent: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum ColumnSpec {
    Position(usize),
    Name(String),
}

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// It cannot be read.
    #[error("the map {path} cannot be read: {source}")]
    Unreadable {
        /// Where it should be.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no map.
    #[error("the map {path} is not understood: {message}")]
    Malformed {
        /// Where it is.
        path: String,
        /// What the parser says.
        message: String,
    },
    /// It does not fit the file or itself.
    #[error("the map does not fit:\n  {}", .0.join("\n  "))]
    Faults(Vec<String>),
}

/// Reads a map, and gives its text as well: a resumed import must have the same one.
pub(super) fn read(path: &Path) -> Result<(Map, String), MapError> {
    let text = std::fs::read_to_string(path).map_err(|source| MapError::Unreadable {
        path: path.display().to_string(),
        source,
    })?;
    let map = toml::from_str(&text).map_err(|error| MapError::Malformed {
        path: path.display().to_string(),
        message: error.to_string(),
    })?;
    Ok((map, text))
}
