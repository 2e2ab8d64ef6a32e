//! Regular expressions: written down in an expression, and compiled once, with it.
//!
//! The syntax is that of RE2 as the `regex` crate reads it, without look-around and back-references; classes such as `\d`
//! are of every script. A text is searched in time linear in its length, whatever the pattern.

use regex::{Regex, RegexBuilder};

use super::Fault;
use super::eval::EvalError;
use super::expr::{Expr, Kind, Literal};
use super::value::Value;

/// Bytes that a pattern may take, compiled: some hundreds of states.
const SIZE_MAX: usize = 64 << 10;
/// How deep groups may stand in groups.
const NEST_MAX: u32 = 32;
/// How much dearer a text is to search than to compare.
const DEARER: usize = 8;

/// A pattern that a text is searched for.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

/// Alike when they were written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    /// The pattern of a call of `matches`; none for other calls, and where it is not written down.
    pub(super) fn of_call(name: &str, args: &[Expr]) -> Result<Option<Self>, Fault> {
        let ("matches", [_, pattern]) = (name, args) else {
            return Ok(None);
        };
        let Kind::Literal(Literal::Text(text)) = &pattern.kind else {
            return Ok(None);
        };
        let compiled = RegexBuilder::new(text)
            .size_limit(SIZE_MAX)
            .nest_limit(NEST_MAX)
            .build();
        let compiled = compiled.map_err(|error| {
            let what = match error {
                regex::Error::CompiledTooBig(_) => "the pattern is too large",
                _ => "is not a pattern in the syntax of RE2",
            };
            Fault::new(pattern.at, "MALFORMED_PATTERN", what)
        })?;
        Ok(Some(Self(compiled)))
    }

    /// Whether it is found anywhere in a text.
    pub(super) fn call(&self, args: &[Value]) -> Result<Value, EvalError> {
        match args {
            [Value::Text(text), _] => Ok(Value::Bool(self.0.is_match(text))),
            _ => Err(EvalError::NoOverload),
        }
    }

    /// How many steps that takes.
    pub(super) fn weight(args: &[Value]) -> usize {
        args.first().map_or(0, Value::weight) * DEARER
    }
}
