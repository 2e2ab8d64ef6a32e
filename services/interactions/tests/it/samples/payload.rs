//! A payload beside the contract. What a field says is said there; the rest goes along as attributes, one a leaf, and
//! comes back from them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// What `whole` says and `said` does not, as attributes. `said` must invent nothing.
pub(super) fn beside(whole: &Value, said: &Value) -> HashMap<String, String> {
    let (mut rest, said) = (leaves(whole), leaves(said));
    for (path, value) in said {
        let known = rest.get(&path).unwrap_or_else(|| {
            panic!("{path} is not in the payload");
        });
        if *known == value {
            rest.remove(&path);
        }
    }
    rest.into_iter().collect()
}

/// A payload from what its fields say and from its attributes.
pub(super) fn together(
    mut said: Value,
    attributes: impl IntoIterator<Item = (String, String)>,
) -> Value {
    for (path, value) in attributes {
        put(&mut said, &path, leaf(value));
    }
    said
}

/// The leaves of a value by their paths: `contact.wa_id`, `order.product_items.0.quantity`. A capital is written as `-`
/// and the small letter, so that a path is a key of an attribute.
pub(super) fn leaves(value: &Value) -> BTreeMap<String, String> {
    fn walk(value: &Value, path: &str, into: &mut BTreeMap<String, String>) {
        let below = |part: &str| {
            if path.is_empty() {
                part.to_owned()
            } else {
                format!("{path}.{part}")
            }
        };
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (key, value) in fields {
                    walk(value, &below(&written(key)), into);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (n, value) in items.iter().enumerate() {
                    walk(value, &below(&n.to_string()), into);
                }
            }
            // There is nothing.
            Value::Object(_) if path.is_empty() => {}
            leaf => {
                into.insert(path.to_owned(), text(leaf));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(value, "", &mut all);
    all
}

/// Sets a leaf.
pub(super) fn put(value: &mut Value, path: &str, leaf: Value) {
    let (part, rest) = path.split_once('.').unwrap_or((path, ""));
    let slot = match part.parse::<usize>() {
        Ok(n) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            let items = value.as_array_mut().unwrap();
            items.resize(items.len().max(n + 1), Value::Null);
            &mut items[n]
        }
        Err(_) => {
            if !value.is_object() {
                *value = Value::Object(serde_json::Map::new());
            }
            let fields = value.as_object_mut().unwrap();
            fields.entry(read(part)).or_insert(Value::Null)
        }
    };
    if rest.is_empty() {
        *slot = leaf;
    } else {
        put(slot, rest, leaf);
    }
}

/// A leaf that was written as text.
pub(super) fn leaf(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// A text as it is, unless it could be read as something else.
fn text(leaf: &Value) -> String {
    match leaf {
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
        other => other.to_string(),
    }
}

fn written(key: &str) -> String {
    let mut part = String::new();
    for (n, c) in key.chars().enumerate() {
        if c.is_ascii_uppercase() || (n == 0 && c.is_ascii_digit()) {
            part.push('-');
        }
        part.push(c.to_ascii_lowercase());
    }
    part
}

fn read(part: &str) -> String {
    let (mut key, mut large) = (String::new(), false);
    for c in part.chars() {
        match c {
            '-' => large = true,
            c => {
                key.push(if large { c.to_ascii_uppercase() } else { c });
                large = false;
            }
        }
    }
    key
}

#[test]
fn a_payload_comes_back_from_its_attributes() {
    let whole = serde_json::json!({
        "quoteToken": "q", "n": 3, "text": "3", "none": null, "empty": [], "nothing": {},
        "items": [{"1": true}, ["a", 1.5], ""],
    });
    assert_eq!(
        together(
            serde_json::json!({}),
            beside(&whole, &serde_json::json!({}))
        ),
        whole
    );
    let said = serde_json::json!({"quoteToken": "q", "n": 4});
    let rest = beside(&whole, &said);
    assert!(!rest.contains_key("quote-token") && rest["n"] == "3");
    assert_eq!(together(said, rest), whole);
}
