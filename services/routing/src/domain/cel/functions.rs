//! The functions of the language: their types, and what they do.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use chrono_tz::Tz;
use rapport_foundation::time::Micros;

use super::check::Type;
use super::eval::EvalError;
use super::value::Value;

/// The parts of a moment, by the name of the method that tells them.
const PARTS: [&str; 9] = [
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
];

/// Whether there is a function of this name.
pub(super) fn is_known(name: &str) -> bool {
    const WORDS: [&str; 6] = [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "timestamp",
    ];
    WORDS.contains(&name) || PARTS.contains(&name)
}

/// What it answers for arguments of these types; none when it takes no such.
pub(super) fn answers(is_method: bool, name: &str, args: &[Type]) -> Option<Type> {
    let is_text = |of: &Type| matches!(of, Type::Text | Type::Wrong);
    let is_time = |of: &Type| matches!(of, Type::Time | Type::Wrong);
    match (name, args) {
        ("size", [Type::Text | Type::List(_) | Type::Map(_) | Type::Wrong]) => Some(Type::Int),
        ("contains" | "startsWith" | "endsWith", [a, b])
            if is_method && is_text(a) && is_text(b) =>
        {
            Some(Type::Bool)
        }
        ("matches", [a, b]) if is_text(a) && is_text(b) => Some(Type::Bool),
        ("timestamp", [a]) if !is_method && is_text(a) => Some(Type::Time),
        (name, [a]) if is_method && PARTS.contains(&name) && is_time(a) => Some(Type::Int),
        (name, [a, b]) if is_method && PARTS.contains(&name) && is_time(a) && is_text(b) => {
            Some(Type::Int)
        }
        _ => None,
    }
}

/// What it comes to.
pub(super) fn call(name: &str, args: &[Value]) -> Result<Value, EvalError> {
    match (name, args) {
        ("size", [of]) => size(of),
        ("contains", [Value::Text(a), Value::Text(b)]) => Ok(Value::Bool(a.contains(&**b))),
        ("startsWith", [Value::Text(a), Value::Text(b)]) => Ok(Value::Bool(a.starts_with(&**b))),
        ("endsWith", [Value::Text(a), Value::Text(b)]) => Ok(Value::Bool(a.ends_with(&**b))),
        ("timestamp", [Value::Text(text)]) => moment(text)
            .map(Value::Time)
            .ok_or(EvalError::MalformedTime),
        (part, [Value::Time(at)]) => part_of(*at, "UTC", part),
        (part, [Value::Time(at), Value::Text(zone)]) => part_of(*at, zone, part),
        _ => Err(EvalError::NoOverload),
    }
}

fn size(of: &Value) -> Result<Value, EvalError> {
    let size = match of {
        Value::Text(text) => text.chars().count(),
        Value::List(parts) => parts.len(),
        Value::Map(entries) => entries.len(),
        _ => return Err(EvalError::NoOverload),
    };
    i64::try_from(size)
        .map(Value::Int)
        .map_err(|_| EvalError::Overflow)
}

/// A moment as RFC 3339 writes it.
pub(super) fn moment(text: &str) -> Option<Micros> {
    let time: DateTime<Utc> = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    Some(Micros(time.timestamp_micros()))
}

/// Counted as the language definition does: months, days of the month and days of the year from 0, `getDate` from 1,
/// the week from Sunday.
fn part_of(at: Micros, zone: &str, part: &str) -> Result<Value, EvalError> {
    let zone: Tz = zone.parse().map_err(|_| EvalError::UnknownZone)?;
    let time = DateTime::from_timestamp_micros(at.0).ok_or(EvalError::Overflow)?;
    let time = time.with_timezone(&zone);
    let part = match part {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month0()),
        "getDate" => i64::from(time.day()),
        "getDayOfMonth" => i64::from(time.day0()),
        "getDayOfWeek" => i64::from(time.weekday().num_days_from_sunday()),
        "getDayOfYear" => i64::from(time.ordinal0()),
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        _ => return Err(EvalError::NoOverload),
    };
    Ok(Value::Int(part))
}
