//! Tables of a file as the contracts want them, and everything in them that does not fit.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, SecondsFormat, TimeDelta};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::files::Reference;
use super::shape::{Field, Form, Many, Shape, Table, names};

/// Two days: what opens on one may end on the next.
const MINUTES_MAX: i64 = 2 * 24 * 60;

/// Reads the tables of one file and keeps what is wrong, and where things are.
pub(super) struct Reading {
    /// Where lines end.
    ends: Vec<usize>,
    /// Lines and what is wrong there.
    pub(super) faults: Vec<(usize, String)>,
    /// Of the document that is being read.
    pub(super) places: BTreeMap<String, (usize, String)>,
    pub(super) references: Vec<Reference>,
}

impl Reading {
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.bytes().enumerate();
        let ends = bytes.filter(|(_, byte)| *byte == b'\n');
        Reading {
            ends: ends.map(|(at, _)| at).collect(),
            faults: Vec::new(),
            places: BTreeMap::new(),
            references: Vec::new(),
        }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < at)
    }

    pub(super) fn fault(&mut self, at: usize, what: impl Into<String>) {
        let line = self.line(at);
        self.faults.push((line, what.into()));
    }

    /// Drops what was noted of a document that is none.
    pub(super) fn forget(&mut self) {
        self.places.clear();
        self.references.clear();
    }

    /// A table at a path, as the contracts and as files name it; both end in a dot, or are empty.
    pub(super) fn table(
        &mut self,
        shape: &Shape,
        table: &DeTable<'_>,
        wire: &str,
        path: &str,
    ) -> Table {
        let mut said = Table::new();
        let mut chosen: Vec<&Field> = Vec::new();
        for (name, value) in table.iter() {
            let at = name.span().start;
            let Some(field) = shape.named(name.get_ref()) else {
                let known = shape.fields.iter().map(|field| field.name.as_str());
                let what = nearest(name.get_ref(), known);
                self.fault(at, format!("{path}{what}"));
                continue;
            };
            let other = chosen.iter().find(|other| other.choice == field.choice);
            if let Some(other) = other.filter(|other| !other.choice.is_empty()) {
                let (one, other) = (&field.name, &other.name);
                self.fault(at, format!("{path}{one} leaves no room for `{other}`"));
            }
            chosen.push(field);
            let wire = format!("{wire}{}", field.wire);
            let path = format!("{path}{}", field.name);
            self.places
                .insert(wire.clone(), (self.line(at), path.clone()));
            if let Some(value) = self.field(field, value, &wire, &path) {
                said.insert(field.name.clone(), value);
            }
        }
        said
    }

    fn field(
        &mut self,
        field: &Field,
        value: &Spanned<DeValue<'_>>,
        wire: &str,
        path: &str,
    ) -> Option<Value> {
        let at = value.span().start;
        match (field.many, value.get_ref()) {
            (Many::One, _) => self.value(&field.form, value, wire, path),
            (Many::Map, DeValue::Table(table)) => {
                let mut values = Table::new();
                for (name, value) in table.iter() {
                    let name = name.get_ref();
                    let path = format!("{path}.{name}");
                    let value = self.value(&field.form, value, &format!("{wire}.{name}"), &path);
                    values.extend(value.map(|value| (name.to_string(), value)));
                }
                Some(Value::Object(values))
            }
            (Many::Set | Many::List | Many::Heap, DeValue::Array(array)) => {
                let mut values = Vec::new();
                for (place, value) in array.iter().enumerate() {
                    let wire = format!("{wire}[{place}]");
                    let path = format!("{path}[{place}]");
                    let line = self.line(value.span().start);
                    self.places.insert(wire.clone(), (line, path.clone()));
                    values.extend(self.value(&field.form, value, &wire, &path));
                }
                Some(Value::Array(values))
            }
            (Many::Map, _) => self.wrong(at, path, "is a table: { name = … }"),
            _ => self.wrong(at, path, "is a list: […]"),
        }
    }

    fn value(
        &mut self,
        form: &Form,
        value: &Spanned<DeValue<'_>>,
        wire: &str,
        path: &str,
    ) -> Option<Value> {
        let at = value.span().start;
        let value = value.get_ref();
        match form {
            Form::Text => match value.as_str() {
                Some(text) => Some(Value::from(text)),
                None => self.wrong(at, path, "is a text: \"…\""),
            },
            Form::Number(least, most) => match integer(value) {
                Some(number) if (*least..=*most).contains(&number) => Some(Value::from(number)),
                Some(_) => self.wrong(at, path, &format!("is not between {least} and {most}")),
                None => self.wrong(at, path, "is a whole number"),
            },
            Form::Fraction => match fraction(value) {
                Some(number) => Some(Value::from(number)),
                None => self.wrong(at, path, "is a number"),
            },
            Form::Truth => match value.as_bool() {
                Some(truth) => Some(Value::Bool(truth)),
                None => self.wrong(at, path, "is true or false"),
            },
            Form::Mark => match value.as_bool() {
                Some(true) => Some(Value::Bool(true)),
                _ => self.wrong(at, path, "is true, or not there"),
            },
            Form::Clock => match value.as_str().and_then(minutes) {
                Some(minutes) => Some(Value::from(clock(minutes))),
                None => self.wrong(at, path, "is a time such as \"08:30\", up to \"48:00\""),
            },
            Form::Time => match written(value).as_deref().and_then(time) {
                Some(time) => Some(Value::from(time)),
                None => self.wrong(at, path, "is a time such as 2026-12-24T18:00:00Z"),
            },
            Form::Span => match value.as_str().filter(|text| is_span(text)) {
                Some(text) => Some(Value::from(text)),
                None => self.wrong(at, path, "is a span such as \"90s\""),
            },
            Form::Name(of) => {
                let known = names(of);
                let found = |text: &str| known.iter().any(|(name, _)| name == text);
                match value.as_str() {
                    Some(text) if found(text) => Some(Value::from(text)),
                    _ => {
                        let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
                        self.wrong(at, path, &format!("is one of {}", names.join(", ")))
                    }
                }
            }
            Form::Reference(kind) => match value.as_str().filter(|text| !text.is_empty()) {
                Some(text) => {
                    let line = self.line(at);
                    self.references.push(Reference {
                        kind,
                        key: text.to_owned(),
                        line,
                    });
                    Some(Value::from(text))
                }
                None => self.wrong(
                    at,
                    path,
                    &format!("is the {} of the {}", kind.key, kind.name),
                ),
            },
            Form::Table(shape) => match value.as_table() {
                Some(table) => {
                    let said = self.table(shape, table, &format!("{wire}."), &format!("{path}."));
                    Some(Value::Object(said))
                }
                None => self.wrong(at, path, "is a table: { … }"),
            },
        }
    }

    fn wrong(&mut self, at: usize, path: &str, what: &str) -> Option<Value> {
        self.fault(at, format!("{path} {what}"));
        None
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn fraction(value: &DeValue<'_>) -> Option<f64> {
    let text = match (value.as_float(), value.as_integer()) {
        (Some(number), _) => number.as_str(),
        (_, Some(number)) => number.as_str(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A time as text, whichever way it is written.
fn written(value: &DeValue<'_>) -> Option<String> {
    let text = value.as_str().map(str::to_owned);
    text.or_else(|| value.as_datetime().map(ToString::to_string))
}

/// The same time in UTC, to the microsecond, as all of them are written.
pub(super) fn time(text: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    let time = time.duration_trunc(TimeDelta::microseconds(1)).ok()?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn is_span(text: &str) -> bool {
    let number = text.strip_suffix('s').map(str::parse::<f64>);
    number.is_some_and(|number| number.is_ok_and(f64::is_finite))
}

/// Minutes from midnight of a time of the clock.
pub(super) fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two(hours) || !two(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let whole = hours * 60 + minutes;
    (minutes < 60 && whole <= MINUTES_MAX).then_some(whole)
}

/// A time of the clock so many minutes from midnight.
pub(super) fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// That a name is not known, and which may be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    rapport_foundation::config::unknown(name, known)
}
