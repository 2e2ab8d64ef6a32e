//! What is wrong with a configuration, and where.

use std::fmt;

use serde_json::Value;

use super::Source;

/// One fault: where it stands, which key, what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where the value came from.
    pub source: Source,
    /// The key as `section.key`; empty when the whole source is meant.
    pub key: String,
    /// What is wrong.
    pub problem: String,
}

impl Fault {
    pub(super) fn new(source: Source, path: &[String], problem: impl Into<String>) -> Self {
        Fault {
            source,
            key: path.join("."),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.source, self.problem),
            key => write!(f, "{}: `{key}`: {}", self.source, self.problem),
        }
    }
}

/// Everything that is wrong with a configuration, in the order the sources were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Fault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} fault(s)", self.0.len())?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

/// Why a path leads to no setting, or None when it does. A null in the tree of defaults is an unset
/// option and an empty table a free map: what lies below them is left to the types.
pub(super) fn unknown_key(known: &Value, path: &[String]) -> Option<String> {
    let mut node = known;
    for (depth, key) in path.iter().enumerate() {
        let Value::Object(table) = node else {
            return match node {
                Value::Null => None,
                _ => Some(format!(
                    "`{}` is one value and has no keys",
                    path[..depth].join(".")
                )),
            };
        };
        if table.is_empty() && depth > 0 {
            return None;
        }
        let Some(next) = table.get(key) else {
            return Some(unknown(key, table.keys().map(String::as_str)));
        };
        node = next;
    }
    None
}

/// That a key is not known, and which may be meant.
pub fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|name| (distance(key, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(key.len()) / 2);
    match nearest {
        Some((_, name)) => format!("`{key}` is not known; did you mean `{name}`?"),
        None => format!("`{key}` is not known"),
    }
}

/// Levenshtein's distance: how many characters to insert, drop or replace.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}
