//! The configuration in force, for people to read, without anything secret.

use serde::Serialize;
use serde_json::Value;

/// A configuration as TOML. [`Secret`](super::Secret)s are `***`, so are passwords inside URLs; options that are not
/// set are left out.
pub fn redacted<T: Serialize>(config: &T) -> String {
    let mut tree = serde_json::to_value(config).unwrap_or(Value::Null);
    hide(&mut tree);
    toml::to_string_pretty(&tree).unwrap_or_default()
}

fn hide(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(hidden) = without_password(text) {
                *text = hidden;
            }
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(hide);
        }
        Value::Object(table) => {
            table.retain(|_, value| !value.is_null());
            table.values_mut().for_each(hide);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

/// `scheme://user:password@host` with `***` for the password.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let (user_info, _) = authority.rsplit_once('@')?;
    let (user, _) = user_info.split_once(':')?;
    Some(format!("{scheme}://{user}:***{}", &rest[user_info.len()..]))
}
