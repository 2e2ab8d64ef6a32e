//! How two tables differ, part by part.

use serde::Serialize;
use serde_json::Value;

use super::shape::{Field, Form, Many, Shape, Table};

/// A part that is different.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Which, as files name it: `filters[vip].targets[0].timeout_s`.
    pub field: String,
    /// As it is; null where it is not there.
    pub old: Value,
    /// As it is to be; null where it is not to be there.
    pub new: Value,
}

/// What parts of lists are known by.
const MARKS: [&str; 5] = ["code", "channel", "clock", "date", "skill"];

/// The differences of one field of two resources of this name; none where both mean the same.
pub(super) fn of_field(field: &Field, old: &Table, new: &Table, key: &str) -> Vec<Difference> {
    let usual = field.usual(key);
    let of = |table: &Table| table.get(&field.name).unwrap_or(&usual).clone();
    let (old, new) = (of(old), of(new));
    let mut found = Vec::new();
    if !field.same(&old, &new) {
        part(field, &field.name, &old, &new, &mut found);
    }
    found
}

fn part(field: &Field, path: &str, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    match (field.many, &field.form, old, new) {
        (Many::One, Form::Table(shape), Value::Object(old), Value::Object(new)) => {
            tables(shape, path, old, new, found);
        }
        (Many::List | Many::Heap, Form::Table(shape), Value::Array(old), Value::Array(new)) => {
            lists(field, shape, path, (old.as_slice(), new.as_slice()), found);
        }
        _ => found.push(difference(path, Some(old), Some(new))),
    }
}

fn tables(shape: &Shape, path: &str, old: &Table, new: &Table, found: &mut Vec<Difference>) {
    for field in &shape.fields {
        let usual = field.usual("");
        let of = |table: &Table| table.get(&field.name).unwrap_or(&usual).clone();
        let (old, new) = (of(old), of(new));
        if !field.same(&old, &new) {
            part(field, &format!("{path}.{}", field.name), &old, &new, found);
        }
    }
}

/// By what the parts are known by where each has it and none twice, else by their places; what has no order, whole.
fn lists(
    field: &Field,
    shape: &Shape,
    path: &str,
    (old, new): (&[Value], &[Value]),
    found: &mut Vec<Difference>,
) {
    let marked = MARKS
        .iter()
        .find(|mark| is_marked(old, mark) && is_marked(new, mark));
    match marked {
        Some(mark) => by_mark(field, shape, path, mark, (old, new), found),
        None if field.many == Many::Heap => heaps(field, path, old, new, found),
        None => {
            for place in 0..old.len().max(new.len()) {
                let path = format!("{path}[{place}]");
                element(shape, &path, (old.get(place), new.get(place)), found);
            }
        }
    }
}

fn is_marked(values: &[Value], mark: &str) -> bool {
    let marks: Option<Vec<&str>> = values
        .iter()
        .map(|value| value.get(mark)?.as_str())
        .collect();
    marks.is_some_and(|mut marks| {
        marks.sort_unstable();
        marks.windows(2).all(|two| two.first() != two.last())
    })
}

fn by_mark(
    field: &Field,
    shape: &Shape,
    path: &str,
    mark: &str,
    (old, new): (&[Value], &[Value]),
    found: &mut Vec<Difference>,
) {
    let of = |value: &Value| {
        value
            .get(mark)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let find =
        |values: &[Value], wanted: &str| values.iter().find(|value| of(value) == wanted).cloned();
    let marks = |values: &[Value]| values.iter().map(of).collect::<Vec<_>>();
    let (before, after) = (marks(old), marks(new));
    let gone = before.iter().filter(|mark| !after.contains(mark));
    for mark in gone.chain(&after) {
        let (old, new) = (find(old, mark), find(new, mark));
        let path = format!("{path}[{mark}]");
        element(shape, &path, (old.as_ref(), new.as_ref()), found);
    }
    let kept: Vec<_> = before.iter().filter(|mark| after.contains(mark)).collect();
    let stay: Vec<_> = after.iter().filter(|mark| before.contains(mark)).collect();
    if field.many == Many::List && kept != stay {
        let order = |marks: &[String]| Value::from(marks.to_vec());
        found.push(Difference {
            field: format!("{path}: order"),
            old: order(&before),
            new: order(&after),
        });
    }
}

fn element(
    shape: &Shape,
    path: &str,
    (old, new): (Option<&Value>, Option<&Value>),
    found: &mut Vec<Difference>,
) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            tables(shape, path, old, new, found);
        }
        (old, new) if old != new => found.push(difference(path, old, new)),
        _ => {}
    }
}

/// What is in one of them only.
fn heaps(field: &Field, path: &str, old: &[Value], new: &[Value], found: &mut Vec<Difference>) {
    let same = |one: &Value, other: &Value| field.same(&whole(one), &whole(other));
    let mut added: Vec<&Value> = new.iter().collect();
    for value in old {
        match added.iter().position(|other| same(value, other)) {
            Some(place) => {
                added.swap_remove(place);
            }
            None => found.push(difference(&format!("{path}[]"), Some(value), None)),
        }
    }
    // In the order of the files.
    let added = new
        .iter()
        .filter(|value| added.iter().any(|one| std::ptr::eq(*one, *value)));
    found.extend(added.map(|value| difference(&format!("{path}[]"), None, Some(value))));
}

fn whole(value: &Value) -> Value {
    Value::Array(vec![value.clone()])
}

fn difference(path: &str, old: Option<&Value>, new: Option<&Value>) -> Difference {
    let of = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
    Difference {
        field: path.to_owned(),
        old: of(old),
        new: of(new),
    }
}
