//! How a message of the contracts is written in files: derived from its descriptor.
//!
//! A field has the name and the unit that the contracts give it, with three exceptions that make files readable. What
//! refers to a resource names it (`overflow_queue_id` is written `overflow_queue`, `queue_ids` `queues`), minutes of a day
//! are times of the clock (`start_minute` is written `start`), and names of enumerations are short and in lower case.

use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind as Wire, MessageDescriptor,
};
use serde_json::{Map, Value};

use super::kinds::{KINDS, Kind, UNORDERED, USUAL, Usual};

/// A table of a file: values by the names that files give them.
pub(super) type Table = Map<String, Value>;

/// What files say of a message.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) fields: Vec<Field>,
}

/// A field as the contracts and files have it.
#[derive(Debug)]
pub(super) struct Field {
    /// As the contracts name it.
    pub(super) wire: String,
    /// The same in a mask of a request in JSON.
    pub(super) json: String,
    /// As files name it.
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) many: Many,
    /// The choice it is one of; empty for none.
    pub(super) choice: String,
    /// Whether it is told from its absence when it is nothing.
    present: bool,
    usual: Option<&'static Usual>,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Form {
    Text,
    /// From so much to so much.
    Number(i64, i64),
    Fraction,
    Truth,
    /// Minutes of a day, as a time of the clock.
    Clock,
    /// A time, as JSON has it in UTC.
    Time,
    /// A span of seconds, as JSON has it.
    Span,
    /// One name of an enumeration.
    Name(EnumDescriptor),
    /// What a resource is named by.
    Reference(&'static Kind),
    /// A message that says nothing but that it is there.
    Mark,
    Table(Shape),
}

/// How many values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Many {
    One,
    /// Their order says nothing, and each is there once.
    Set,
    List,
    /// A list whose order says nothing.
    Heap,
    /// By name.
    Map,
}

impl Kind {
    /// What files say of it.
    pub(super) fn shape(&self) -> Shape {
        let name = format!("rapport.routing.v1.{}", self.message);
        let message = rapport_proto::pool().get_message_by_name(&name);
        let field = |name: &&str| Some(Field::of(&message.as_ref()?.get_field_by_name(name)?));
        let fields = self.fields.iter().filter_map(field).collect();
        Shape { fields }
    }
}

impl Shape {
    fn of(message: &MessageDescriptor) -> Self {
        let fields = message.fields().map(|field| Field::of(&field)).collect();
        Shape { fields }
    }

    /// The field that files name so.
    pub(super) fn named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Without what leaving out stands for, and with sets in their order: two tables that mean the same are written the
    /// same, apart from the order of lists whose order says nothing.
    pub(super) fn trimmed(&self, table: Table, key: &str) -> Table {
        let mut kept = Table::new();
        for (name, value) in table {
            let Some(field) = self.named(&name) else {
                continue;
            };
            let value = field.trimmed(value, key);
            if field.present || value != field.usual(key) {
                kept.insert(name, value);
            }
        }
        // Midnight is said: an opening without its beginning would be hard to read.
        for field in &self.fields {
            if matches!(field.form, Form::Clock) && !kept.contains_key(&field.name) {
                kept.insert(field.name.clone(), field.usual(key));
            }
        }
        kept
    }
}

impl Field {
    fn of(field: &FieldDescriptor) -> Self {
        let form = match field.kind() {
            Wire::Message(entry) if field.is_map() => Form::of(&entry.map_entry_value_field()),
            _ => Form::of(field),
        };
        let message = field.parent_message().name().to_owned();
        let is = |known: &(&str, &str)| known.0 == message && known.1 == field.name();
        let many = match (field.cardinality(), &form) {
            _ if field.is_map() => Many::Map,
            (Cardinality::Repeated, Form::Table(_)) if UNORDERED.iter().any(is) => Many::Heap,
            (Cardinality::Repeated, Form::Table(_)) => Many::List,
            (Cardinality::Repeated, _) => Many::Set,
            _ => Many::One,
        };
        let choice = field.containing_oneof().filter(|one| !one.is_synthetic());
        let usual = USUAL.iter().find(|(of, name, _)| is(&(*of, *name)));
        Field {
            name: name_in_files(field.name(), &form),
            present: many == Many::One
                && field.supports_presence()
                && !is_plain_table(&form, field),
            choice: choice
                .map(|choice| choice.name().to_owned())
                .unwrap_or_default(),
            wire: field.name().to_owned(),
            json: field.json_name().to_owned(),
            usual: usual.map(|(_, _, usual)| usual),
            form,
            many,
        }
    }

    /// What leaving it out stands for, in a resource of this name.
    pub(super) fn usual(&self, key: &str) -> Value {
        match (self.usual, self.many) {
            (Some(Usual::Text(text)), _) => Value::from(*text),
            (Some(Usual::Number(number)), _) => Value::from(*number),
            (Some(Usual::Key), _) => Value::from(key),
            (None, Many::Set | Many::List | Many::Heap) => Value::Array(Vec::new()),
            (None, Many::Map) => Value::Object(Table::new()),
            (None, Many::One) if self.present => Value::Null,
            (None, Many::One) => self.form.nothing(),
        }
    }

    fn trimmed(&self, value: Value, key: &str) -> Value {
        match value {
            Value::Array(values) => {
                let mut values: Vec<Value> = values
                    .into_iter()
                    .map(|value| self.form.trimmed(value))
                    .collect();
                if self.many == Many::Set {
                    values.sort_by_key(Value::to_string);
                    values.dedup();
                }
                Value::Array(values)
            }
            Value::Object(table) if self.many == Many::Map => Value::Object(
                table
                    .into_iter()
                    .map(|(name, value)| (name, self.form.trimmed(value)))
                    .collect(),
            ),
            // Zero stands for the same as leaving it out, wherever that stands for something.
            value if self.usual.is_some() && value == self.form.nothing() => self.usual(key),
            value => self.form.trimmed(value),
        }
    }

    /// Whether two trimmed values mean the same.
    pub(super) fn same(&self, one: &Value, other: &Value) -> bool {
        one == other || self.sorted(one) == self.sorted(other)
    }

    fn sorted(&self, value: &Value) -> Value {
        match (value, &self.form) {
            (Value::Array(values), form) => {
                let mut values: Vec<Value> = values.iter().map(|one| form.sorted(one)).collect();
                if self.many == Many::Heap {
                    values.sort_by_key(Value::to_string);
                }
                Value::Array(values)
            }
            (value, form) if self.many == Many::One => form.sorted(value),
            (value, _) => value.clone(),
        }
    }
}

impl Form {
    fn of(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Wire::Bool => Form::Truth,
            Wire::Float | Wire::Double => Form::Fraction,
            Wire::Enum(names) => Form::Name(names),
            Wire::Message(message) => match message.full_name() {
                "google.protobuf.Timestamp" => Form::Time,
                "google.protobuf.Duration" => Form::Span,
                _ if message.fields().len() == 0 => Form::Mark,
                _ => Form::Table(Shape::of(&message)),
            },
            Wire::String | Wire::Bytes => match referred(field.name()) {
                Some(kind) => Form::Reference(kind),
                None => Form::Text,
            },
            _ if field.name().ends_with("_minute") => Form::Clock,
            Wire::Int32 | Wire::Sint32 | Wire::Sfixed32 => {
                Form::Number(i32::MIN.into(), i32::MAX.into())
            }
            Wire::Uint32 | Wire::Fixed32 => Form::Number(0, u32::MAX.into()),
            Wire::Int64 | Wire::Sint64 | Wire::Sfixed64 => Form::Number(i64::MIN, i64::MAX),
            Wire::Uint64 | Wire::Fixed64 => Form::Number(0, i64::MAX),
        }
    }

    /// What a field of it is when nothing was said.
    fn nothing(&self) -> Value {
        match self {
            Form::Text => Value::from(""),
            Form::Number(..) => Value::from(0),
            Form::Fraction => Value::from(0.0),
            Form::Truth => Value::Bool(false),
            Form::Clock => Value::from("00:00"),
            Form::Table(_) => Value::Object(Table::new()),
            Form::Time | Form::Span | Form::Name(_) | Form::Reference(_) | Form::Mark => {
                Value::Null
            }
        }
    }

    fn trimmed(&self, value: Value) -> Value {
        match (self, value) {
            (Form::Table(shape), Value::Object(table)) => Value::Object(shape.trimmed(table, "")),
            (_, value) => value,
        }
    }

    fn sorted(&self, value: &Value) -> Value {
        match (self, value) {
            (Form::Table(shape), Value::Object(table)) => {
                let sorted = |(name, value): (&String, &Value)| {
                    let field = shape.named(name);
                    let value = field.map_or_else(|| value.clone(), |field| field.sorted(value));
                    (name.clone(), value)
                };
                Value::Object(table.iter().map(sorted).collect())
            }
            (_, value) => value.clone(),
        }
    }
}

/// A table that is no choice means the same when it is empty and when it is not there.
fn is_plain_table(form: &Form, field: &FieldDescriptor) -> bool {
    matches!(form, Form::Table(_)) && field.containing_oneof().is_none()
}

/// The kind that an id of this name refers to.
fn referred(name: &str) -> Option<&'static Kind> {
    let name = name.strip_suffix("_ids").or(name.strip_suffix("_id"))?;
    let is_last = |kind: &&Kind| {
        let front = name.strip_suffix(kind.name);
        front.is_some_and(|front| front.is_empty() || front.ends_with('_'))
    };
    KINDS
        .iter()
        .find(is_last)
        .filter(|kind| !kind.key.is_empty())
}

fn name_in_files(wire: &str, form: &Form) -> String {
    let short = match form {
        Form::Reference(_) if wire.ends_with("_ids") => {
            return wire.trim_end_matches("_ids").to_owned() + "s";
        }
        Form::Reference(_) => wire.strip_suffix("_id"),
        Form::Clock => wire.strip_suffix("_minute"),
        _ => None,
    };
    short.unwrap_or(wire).to_owned()
}

/// The names of an enumeration as files write them and in full, without the one that says nothing.
pub(super) fn names(of: &EnumDescriptor) -> Vec<(String, String)> {
    let prefix = prefix(of);
    let named = of.values().filter(|value| value.number() != 0);
    named
        .map(|value| {
            let short = value.name().strip_prefix(&prefix).unwrap_or(value.name());
            (short.to_lowercase(), value.name().to_owned())
        })
        .collect()
}

fn prefix(of: &EnumDescriptor) -> String {
    let nothing = of.get_value(0);
    let name = nothing.as_ref().map(|value| value.name());
    let prefix = name.and_then(|name| name.strip_suffix("UNSPECIFIED"));
    prefix.unwrap_or_default().to_owned()
}
