//! Tables as the contracts write them in JSON, and back.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::reading::{clock, minutes, time};
use super::shape::{Field, Form, Many, Shape, Table, names};

/// What resources are named by, and their ids.
#[derive(Debug, Default, Clone)]
pub(super) struct Names {
    ids: HashMap<(&'static str, String), String>,
    keys: HashMap<String, String>,
}

impl Names {
    pub(super) fn insert(&mut self, kind: &'static str, key: &str, id: &str) {
        self.ids.insert((kind, key.to_owned()), id.to_owned());
        self.keys.insert(id.to_owned(), key.to_owned());
    }

    /// The id of a name.
    pub(super) fn id(&self, kind: &'static str, key: &str) -> Option<&str> {
        self.ids.get(&(kind, key.to_owned())).map(String::as_str)
    }

    /// The name of an id; an id that is not known stays.
    fn key<'a>(&'a self, id: &'a str) -> &'a str {
        self.keys.get(id).map_or(id, String::as_str)
    }
}

impl Shape {
    /// As files write what a call answered.
    pub(super) fn of_wire(&self, message: &Map<String, Value>, names: &Names) -> Table {
        let mut table = Table::new();
        for field in &self.fields {
            if let Some(value) = message.get(&field.wire) {
                table.insert(field.name.clone(), field.of_wire(value, names));
            }
        }
        table
    }

    /// As a call takes what a file says. Names must be known by then: one that is not stays, and is refused.
    pub(super) fn to_wire(&self, table: &Table, names: &Names) -> Map<String, Value> {
        let mut message = Map::new();
        for field in &self.fields {
            match table.get(&field.name) {
                None | Some(Value::Null) => {}
                Some(value) => {
                    message.insert(field.wire.clone(), field.to_wire(value, names));
                }
            }
        }
        message
    }
}

impl Field {
    fn of_wire(&self, value: &Value, names: &Names) -> Value {
        self.each(value, |one| self.form.of_wire(one, names))
    }

    fn to_wire(&self, value: &Value, names: &Names) -> Value {
        self.each(value, |one| self.form.to_wire(one, names))
    }

    fn each(&self, value: &Value, one: impl Fn(&Value) -> Value) -> Value {
        match (self.many, value) {
            (Many::One, value) => one(value),
            (Many::Map, Value::Object(values)) => {
                let values = values
                    .iter()
                    .map(|(name, value)| (name.clone(), one(value)));
                Value::Object(values.collect())
            }
            (_, Value::Array(values)) => Value::Array(values.iter().map(one).collect()),
            (_, value) => value.clone(),
        }
    }
}

impl Form {
    fn of_wire(&self, value: &Value, known: &Names) -> Value {
        match (self, value) {
            // Numbers of 64 bits are texts in JSON.
            (Form::Number(..), Value::String(text)) => match text.parse::<i64>() {
                Ok(number) => Value::from(number),
                Err(_) => value.clone(),
            },
            (Form::Clock, value) => match value.as_i64() {
                Some(minutes) => Value::from(clock(minutes)),
                None => value.clone(),
            },
            (Form::Name(of), Value::String(text)) => {
                let all = names(of);
                let short = all.iter().find(|(_, full)| full == text);
                Value::from(short.map_or(text.as_str(), |(short, _)| short.as_str()))
            }
            (Form::Reference(_), Value::String(id)) => Value::from(known.key(id)),
            (Form::Time, Value::String(text)) => {
                Value::from(time(text).unwrap_or_else(|| text.clone()))
            }
            (Form::Mark, _) => Value::Bool(true),
            (Form::Table(shape), Value::Object(message)) => {
                Value::Object(shape.of_wire(message, known))
            }
            (_, value) => value.clone(),
        }
    }

    fn to_wire(&self, value: &Value, known: &Names) -> Value {
        match (self, value) {
            (Form::Clock, Value::String(text)) => minutes(text).map_or(Value::Null, Value::from),
            (Form::Name(of), Value::String(text)) => {
                let all = names(of);
                let full = all.iter().find(|(short, _)| short == text);
                Value::from(full.map_or(text.as_str(), |(_, full)| full.as_str()))
            }
            (Form::Reference(kind), Value::String(key)) => {
                Value::from(known.id(kind.name, key).unwrap_or(key))
            }
            (Form::Mark, _) => Value::Object(Map::new()),
            (Form::Table(shape), Value::Object(table)) => {
                Value::Object(shape.to_wire(table, known))
            }
            (_, value) => value.clone(),
        }
    }
}
