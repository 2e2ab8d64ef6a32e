//! What is there, as files say it.

use serde_json::Value;

use super::present::Known;
use super::shape::{Field, Form, Many, Shape, Table};

/// All of it, in TOML.
pub(super) fn toml(known: &[&Known]) -> String {
    let documents = known.iter().map(|known| {
        let shape = known.kind.shape();
        let mut lines = Vec::new();
        table(&shape, &known.said, known.kind.name, &mut lines);
        lines.join("\n") + "\n"
    });
    documents.collect::<Vec<_>>().join("\n")
}

/// A table with a head of its own; what holds lists of tables in lists of tables gets heads, too.
fn table(shape: &Shape, said: &Table, path: &str, lines: &mut Vec<String>) {
    lines.push(format!("[[{path}]]"));
    let mut headed = Vec::new();
    for field in &shape.fields {
        match said.get(&field.name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) if is_deep(field) => headed.push((field, values)),
            Some(value) => lines.push(format!("{} = {}", field.name, line(field, value))),
        }
    }
    for (field, values) in headed {
        let Form::Table(shape) = &field.form else {
            continue;
        };
        let path = format!("{path}.{}", field.name);
        for value in values.iter().filter_map(Value::as_object) {
            lines.push(String::new());
            table(shape, value, &path, lines);
        }
    }
}

/// Whether it is a list of tables that hold lists of tables.
fn is_deep(field: &Field) -> bool {
    let is_list = |field: &&Field| matches!(field.many, Many::List | Many::Heap);
    match &field.form {
        Form::Table(shape) if is_list(&field) => shape
            .fields
            .iter()
            .any(|field| is_list(&field) && matches!(field.form, Form::Table(_))),
        _ => false,
    }
}

/// The value of a field; tables of a list have a line each.
fn line(field: &Field, value: &Value) -> String {
    match (value, &field.form) {
        (Value::Array(values), Form::Table(_)) if !values.is_empty() => {
            let values = values.iter().map(|value| inline(&field.form, value));
            let values: Vec<String> = values.collect();
            format!("[\n    {},\n]", values.join(",\n    "))
        }
        _ => of_field(field, value),
    }
}

/// The value of a field in one line.
fn of_field(field: &Field, value: &Value) -> String {
    match (field.many, value) {
        (Many::Map, Value::Object(values)) => {
            let part = |(name, value): (&String, &Value)| {
                format!("{} = {}", bare(name), inline(&field.form, value))
            };
            braces(values.iter().map(part).collect())
        }
        (_, Value::Array(values)) => {
            let values = values.iter().map(|value| inline(&field.form, value));
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
        (_, value) => inline(&field.form, value),
    }
}

/// One value in one line, the parts of a table in their order.
fn inline(form: &Form, value: &Value) -> String {
    match (form, value) {
        (Form::Table(shape), Value::Object(table)) => {
            let parts = shape.fields.iter().filter_map(|field| {
                let value = table.get(&field.name)?;
                Some(format!("{} = {}", field.name, of_field(field, value)))
            });
            braces(parts.collect())
        }
        (_, value) => compact(value),
    }
}

/// A value in one line of TOML, whatever it is.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(compact).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(table) => {
            let parts = table.iter();
            braces(
                parts
                    .map(|(name, value)| format!("{} = {}", bare(name), compact(value)))
                    .collect(),
            )
        }
    }
}

fn braces(parts: Vec<String>) -> String {
    match parts.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", parts.join(", ")),
    }
}

fn bare(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A basic string: JSON escapes what TOML wants escaped, but for one character.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
