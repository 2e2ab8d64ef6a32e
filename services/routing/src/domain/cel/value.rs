use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rapport_foundation::time::Micros;

use super::expr::write_quoted;

/// What an expression comes to. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Arc<str>),
    Time(Micros),
    List(Arc<[Value]>),
    Map(Arc<BTreeMap<Arc<str>, Value>>),
    /// A thing with fields that are always there; one that is not known has the value of nothing.
    Object(Arc<BTreeMap<&'static str, Value>>),
}

impl Value {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether `==` holds. What is of different kinds is not equal.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            // IEEE 754: what is no number equals nothing.
            (Self::Double(a), Self::Double(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                let mut pairs = a.iter().zip(b.iter());
                a.len() == b.len() && pairs.all(|((k, a), (l, b))| k == l && a.equals(b))
            }
            (Self::Object(a), Self::Object(b)) => {
                let mut pairs = a.iter().zip(b.iter());
                a.len() == b.len() && pairs.all(|((k, a), (l, b))| k == l && a.equals(b))
            }
            _ => false,
        }
    }

    /// How they stand to each other; none for what has no order.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            // By code points, which is the order of UTF-8.
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Whether it is what a field that is not set has.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::Int(number) => *number == 0,
            Self::Double(number) => *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::Time(at) => *at == Micros::EPOCH,
            Self::List(parts) => parts.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Object(_) => false,
        }
    }

    /// How much there is to look at in it.
    pub(super) fn weight(&self) -> usize {
        /// Characters that are looked at as fast as one value.
        const TEXT_AT_ONCE: usize = 64;
        match self {
            Self::Text(text) => 1 + text.len() / TEXT_AT_ONCE,
            Self::List(parts) => 1 + parts.iter().map(Self::weight).sum::<usize>(),
            Self::Map(entries) => 1 + entries.values().map(Self::weight).sum::<usize>(),
            _ => 1,
        }
    }
}

/// As the language writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::Text(text) => write_quoted(text, f),
            Self::Time(at) => match chrono::DateTime::from_timestamp_micros(at.0) {
                Some(time) => write!(f, "timestamp(\"{}\")", time.to_rfc3339()),
                None => write!(f, "timestamp({})", at.0),
            },
            Self::List(parts) => {
                f.write_str("[")?;
                for (place, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if place == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    write_quoted(key, f)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
            Self::Object(fields) => {
                f.write_str("{")?;
                for (place, (name, value)) in fields.iter().enumerate() {
                    let before = if place == 0 { "" } else { ", " };
                    write!(f, "{before}{name}: {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}
