//! A subset of the Common Expression Language, for filters that tenants write.
//!
//! What is there means what the language definition says: integers of 64 bits whose overflow is an error, `&&` and
//! `||` that a decided side absorbs the error of the other in, the macros `has`, `exists` and `all`. What an
//! expression may cost is bounded: its length, its depth, its patterns and their size, and the steps it takes. Patterns are
//! written down and compiled with the expression. Bytes, unsigned numbers, `null` and dynamic types are left out.

mod check;
mod eval;
mod expr;
mod functions;
mod lexer;
mod parser;
mod pattern;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use check::{Env, Type, check};
pub(crate) use eval::{EvalError, Traced, Variables, constant, evaluate, explain};
pub(crate) use expr::Expr;
pub(crate) use parser::parse;
pub(crate) use value::Value;

/// Longest source, in characters.
pub(crate) const SOURCE_CHARACTERS: usize = 2_000;
/// How deep parts may stand in parts. A chain of `&&` or of `||` is one level.
pub(crate) const DEPTH_MAX: usize = 32;
/// Patterns in one expression.
pub(crate) const PATTERNS_MAX: usize = 4;
/// Steps that one evaluation may take: some tenths of a millisecond.
pub(crate) const STEPS_MAX: u32 = 5_000;

/// Something that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where: so many characters stand before it.
    pub(crate) at: usize,
    /// A stable `UPPER_SNAKE` reason.
    pub(crate) reason: &'static str,
    /// What is wrong, in English.
    pub(crate) what: String,
}

impl Fault {
    fn syntax(at: usize, what: impl Into<String>) -> Self {
        Self::new(at, "SYNTAX", what)
    }

    fn new(at: usize, reason: &'static str, what: impl Into<String>) -> Self {
        Self {
            at,
            reason,
            what: what.into(),
        }
    }
}
