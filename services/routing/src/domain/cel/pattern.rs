//! Regular expressions: written down in an expression, and compiled once, with it.
//!
//! The syntax is that of RE2 as the `regex` crate reads it, without look-around and back-references; classes such as `\d`
//! are of every script. A text is searched in time linear in its length, whatever the pattern.

use regex::{Regex, RegexBuilder};

use super::Fault;
use super::eval::EvalError;
use super::expr::{Expr, Kind, Literal};
use super::value::Value;

/// Bytes that a pattern may take, compiled: the least of these that it fits into. The last is room for two classes such as
/// `\w` of every script, or some thousands of states.
const SIZES: [usize; 4] = [4 << 10, 16 << 10, 64 << 10, 128 << 10];
/// Bytes that are kept of earlier searches.
const SEARCHED_MAX: usize = 256 << 10;
/// How deep groups may stand in groups.
const NEST_MAX: u32 = 32;
/// Steps for each [`Value::weight`] of a text and 1024 bytes of the pattern: a search may look at every state for every
/// character.
const STEPS: usize = 8;

/// A pattern that a text is searched for.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    compiled: Regex,
    /// Into how many bytes it fits.
    size: usize,
}

/// Alike when they were written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.compiled.as_str() == other.compiled.as_str()
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
        let compiled = Self::compile(text).map_err(|error| {
            let what = match error {
                regex::Error::CompiledTooBig(_) => "the pattern is too large",
                _ => "is not a pattern in the syntax of RE2",
            };
            Fault::new(pattern.at, "MALFORMED_PATTERN", what)
        })?;
        Ok(Some(compiled))
    }

    fn compile(text: &str) -> Result<Self, regex::Error> {
        let build = |size: usize| {
            let mut builder = RegexBuilder::new(text);
            let builder = builder.size_limit(size).dfa_size_limit(SEARCHED_MAX);
            let compiled = builder.nest_limit(NEST_MAX).build()?;
            Ok(Self { compiled, size })
        };
        let [least, rest @ ..] = SIZES;
        rest.iter().fold(build(least), |built, size| match built {
            Err(regex::Error::CompiledTooBig(_)) => build(*size),
            built => built,
        })
    }

    /// Whether it is found anywhere in a text.
    pub(super) fn call(&self, args: &[Value]) -> Result<Value, EvalError> {
        match args {
            [Value::Text(text), _] => Ok(Value::Bool(self.compiled.is_match(text))),
            _ => Err(EvalError::NoOverload),
        }
    }

    /// How many steps that takes.
    pub(super) fn weight(&self, args: &[Value]) -> usize {
        let text = args.first().map_or(0, Value::weight);
        text * STEPS * (self.size >> 10)
    }
}
