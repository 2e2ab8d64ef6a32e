//! Insertions into several tables as one statement: each is a WITH of its own. A decision that touches a dozen tables
//! would else wait a dozen times for the answer that a row is there.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use sea_orm::Value;

/// Insertions that are run together; what one inserts is not seen by another.
#[derive(Debug, Default)]
pub(crate) struct Bundle(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    parts: Vec<String>,
    values: Vec<Value>,
}

impl Bundle {
    pub(super) fn add(&self, sql: &str, values: Vec<Value>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let part = renumbered(sql, kept.values.len());
        kept.parts.push(part);
        kept.values.extend(values);
    }

    /// All in one, unless there is none.
    pub(super) fn take(&self) -> Option<(String, Vec<Value>)> {
        let kept = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut parts = kept.parts;
        let last = parts.pop()?;
        let mut sql = String::new();
        for (n, part) in parts.iter().enumerate() {
            let so_far = if n == 0 { "with " } else { ", " };
            // Writing into a String does not fail.
            let _ = write!(sql, "{so_far}w{n} as ({part})");
        }
        Some((format!("{sql} {last}"), kept.values))
    }
}

/// With `by` added to the number of each placeholder. Nothing else in these texts has a dollar sign.
fn renumbered(sql: &str, by: usize) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = part.split_at(end.unwrap_or(part.len()));
        let number = number.parse::<usize>().map_or(0, |number| number + by);
        // Writing into a String does not fail.
        let _ = write!(text, "${number}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_insertion_has_its_own_values_in_one_statement() {
        let bundle = Bundle::default();
        bundle.add(
            "insert into a select * from unnest($1::uuid[], $2::text[])",
            vec![1.into(), 2.into()],
        );
        bundle.add("insert into b values ($1, $10)", vec![3.into()]);
        let (sql, values) = bundle.take().unwrap_or_default();
        assert_eq!(
            sql,
            "with w0 as (insert into a select * from unnest($1::uuid[], $2::text[])) \
             insert into b values ($3, $12)"
        );
        assert_eq!(values, [1.into(), 2.into(), 3.into()]);
        assert!(bundle.take().is_none());
    }
}
