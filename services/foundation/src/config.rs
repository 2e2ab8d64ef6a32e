//! Configuration: defaults < file < `RAPPORT_SECTION__KEY` < flags.
//!
//! A configuration is a serde type with defaults. Its serialised default is the registry of known keys,
//! so an unknown key is refused with its path and the nearest known name, and every value that does
//! not fit is reported in the same run.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

mod faults;
mod redact;
mod secret;

pub use faults::{ConfigFaults, Fault};
pub use redact::redacted;
pub use secret::Secret;

/// The beginning of every environment variable that is a setting.
const PREFIX: &str = "RAPPORT_";

/// Variables with this beginning belong to the tests of the project and are no settings.
const TESTS: &str = "RAPPORT_TEST_";

/// Where a value came from; later sources win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag on the command line.
    Flag,
    /// No single source: settings that do not go together.
    Combination,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Environment(name) => write!(f, "{name}"),
            Source::Flag => f.write_str("command line"),
            Source::Combination => f.write_str("configuration"),
        }
    }
}

/// One value somebody set.
struct Setting {
    source: Source,
    path: Vec<String>,
    given: Given,
}

/// A value as the source can express it.
enum Given {
    /// From the file, with its type.
    Typed(Value),
    /// From the environment or a flag: the type is what the setting wants.
    Text(String),
}

/// Reads a configuration. `env` is usually `std::env::vars()`; `overrides` are flags as
/// (`section.key`, value).
///
/// # Errors
/// All faults of all sources at once.
pub fn load<T>(
    file: Option<&Path>,
    env: impl IntoIterator<Item = (String, String)>,
    overrides: Vec<(String, String)>,
) -> Result<T, ConfigFaults>
where
    T: DeserializeOwned + Default + Serialize,
{
    let mut faults = Vec::new();
    let known = serde_json::to_value(T::default()).unwrap_or(Value::Null);
    let mut settings = Vec::new();
    if let Some(file) = file {
        from_file(file, &mut settings, &mut faults);
    }
    from_environment(env, &mut settings);
    settings.extend(overrides.into_iter().map(|(path, text)| Setting {
        source: Source::Flag,
        path: path.split('.').map(str::to_owned).collect(),
        given: Given::Text(text),
    }));

    let mut tree = known.clone();
    for setting in settings {
        if let Some(problem) = faults::unknown_key(&known, &setting.path) {
            faults.push(Fault::new(setting.source, &setting.path, problem));
            continue;
        }
        // Each value is tried alone on top of the defaults: serde stops at the first fault of a tree.
        match fitting::<T>(&known, &setting.path, setting.given) {
            Ok(value) => place(&mut tree, &setting.path, value),
            Err(problem) => faults.push(Fault::new(setting.source, &setting.path, problem)),
        }
    }
    if !faults.is_empty() {
        return Err(ConfigFaults(faults));
    }
    serde_json::from_value(tree).map_err(|error| {
        let problem = format!("the values do not go together: {error}");
        ConfigFaults(vec![Fault::new(Source::Combination, &[], problem)])
    })
}

fn from_file(file: &Path, settings: &mut Vec<Setting>, faults: &mut Vec<Fault>) {
    let source = Source::File(file.to_owned());
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            faults.push(Fault::new(source, &[], format!("cannot be read: {error}")));
            return;
        }
    };
    match toml::from_str::<Value>(&text) {
        Ok(tree) => leaves(&source, &mut Vec::new(), tree, settings),
        Err(error) => {
            let message = error.to_string();
            faults.push(Fault::new(source, &[], message.trim_end().to_owned()));
        }
    }
}

/// Tables are walked through; everything else, arrays included, is one value.
fn leaves(source: &Source, path: &mut Vec<String>, value: Value, settings: &mut Vec<Setting>) {
    match value {
        // `{ file = "…" }` is how a secret is given, so it is a value and no section.
        Value::Object(table) if !(table.len() == 1 && table.contains_key("file")) => {
            for (key, value) in table {
                path.push(key);
                leaves(source, path, value, settings);
                path.pop();
            }
        }
        value => settings.push(Setting {
            source: source.clone(),
            path: path.clone(),
            given: Given::Typed(value),
        }),
    }
}

fn from_environment(env: impl IntoIterator<Item = (String, String)>, settings: &mut Vec<Setting>) {
    let mut variables: Vec<_> = env
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(TESTS))
        .collect();
    variables.sort();
    settings.extend(variables.into_iter().map(|(name, text)| {
        Setting {
            path: name[PREFIX.len()..]
                .split("__")
                .map(str::to_lowercase)
                .collect(),
            source: Source::Environment(name),
            given: Given::Text(text),
        }
    }));
}

/// The given value in the form the setting accepts, or why there is none.
fn fitting<T: DeserializeOwned>(
    known: &Value,
    path: &[String],
    given: Given,
) -> Result<Value, String> {
    let candidates = match given {
        Given::Typed(value) => vec![value],
        Given::Text(text) => readings(&text),
    };
    let mut problem = String::new();
    for candidate in candidates {
        let mut tree = known.clone();
        place(&mut tree, path, candidate.clone());
        match serde_json::from_value::<T>(tree) {
            Ok(_) => return Ok(candidate),
            Err(error) => problem = error.to_string(),
        }
    }
    Err(problem)
}

/// What a text may mean: itself, a TOML value (a number, `true`, `["a"]`), a list with commas.
fn readings(text: &str) -> Vec<Value> {
    let mut readings = vec![Value::String(text.to_owned())];
    let items = text
        .split(',')
        .map(|item| Value::String(item.trim().to_owned()));
    readings.push(Value::Array(items.collect()));
    if let Ok(mut table) = toml::from_str::<Map<String, Value>>(&format!("value = {text}"))
        && let Some(value) = table.remove("value")
    {
        readings.push(value);
    }
    readings
}

fn place(tree: &mut Value, path: &[String], value: Value) {
    let Some((last, sections)) = path.split_last() else {
        return;
    };
    let mut node = tree;
    for section in sections {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        node = &mut node[section.as_str()];
    }
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    node[last.as_str()] = value;
}

#[cfg(test)]
mod tests;
