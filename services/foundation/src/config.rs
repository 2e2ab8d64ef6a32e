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

pub use faults::{ConfigFaults, Fault, unknown};
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

    settings.retain(|setting| {
        let problem = faults::unknown_key(&known, &setting.path);
        let fault =
            problem.map(|problem| Fault::new(setting.source.clone(), &setting.path, problem));
        let unknown = fault.is_some();
        faults.extend(fault);
        !unknown
    });
    let mut tree = known.clone();
    for unit in units(&known, settings) {
        // Each is tried alone on top of the defaults: serde stops at the first fault of a tree.
        match unit.fitting::<T>(&known) {
            Ok(values) => {
                for (setting, value) in unit.settings.iter().zip(values) {
                    place(&mut tree, &setting.path, value);
                }
            }
            Err(problem) => faults.extend(unit.fault(problem)),
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

/// Settings that are right or wrong together: one, or all of a section that is not there by default, such as `tls`, whose
/// keys may need each other.
struct Unit {
    section: Vec<String>,
    settings: Vec<Setting>,
}

/// The units in the order in which they are met; within one a later setting wins.
fn units(known: &Value, settings: Vec<Setting>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for setting in settings {
        let section = optional_section(known, &setting.path).map(<[String]>::to_vec);
        let same = units
            .iter_mut()
            .find(|unit| section.as_ref() == Some(&unit.section));
        match same {
            Some(unit) => unit.settings.push(setting),
            None => units.push(Unit {
                section: section.unwrap_or_default(),
                settings: vec![setting],
            }),
        }
    }
    units
}

/// The part of a path that leads to a section of which the defaults know nothing.
fn optional_section<'a>(known: &Value, path: &'a [String]) -> Option<&'a [String]> {
    let mut node = known;
    for (depth, key) in path.iter().enumerate().take(path.len().saturating_sub(1)) {
        let table = node.as_object()?;
        if table.is_empty() && depth > 0 {
            return Some(&path[..=depth]);
        }
        node = table.get(key)?;
        if node.is_null() {
            return Some(&path[..=depth]);
        }
    }
    None
}

/// The most ways of reading the texts of one section that are tried.
const MOST_WAYS: usize = 1_000;

impl Unit {
    /// The given values in the form the settings accept, or why there is none.
    fn fitting<T: DeserializeOwned>(&self, known: &Value) -> Result<Vec<Value>, String> {
        let readings: Vec<Vec<Value>> = self.settings.iter().map(Setting::readings).collect();
        let ways = readings.iter().fold(1, |ways: usize, readings| {
            ways.saturating_mul(readings.len())
        });
        // Of the value as it stands; what is wrong with other readings of it would puzzle.
        let mut problem = None;
        for way in 0..ways.min(MOST_WAYS) {
            let values = choice(&readings, way);
            let mut tree = known.clone();
            for (setting, value) in self.settings.iter().zip(&values) {
                place(&mut tree, &setting.path, value.clone());
            }
            match serde_json::from_value::<T>(tree) {
                Ok(_) => return Ok(values),
                Err(error) => {
                    problem.get_or_insert_with(|| error.to_string());
                }
            }
        }
        Err(problem.unwrap_or_default())
    }

    /// What is told of a unit that does not fit.
    fn fault(&self, problem: String) -> Option<Fault> {
        let last = self.settings.last()?;
        let path = match self.settings.as_slice() {
            [one] => &one.path,
            _ => &self.section,
        };
        Some(Fault::new(last.source.clone(), path, problem))
    }
}

impl Setting {
    /// Everything the given value may mean.
    fn readings(&self) -> Vec<Value> {
        match &self.given {
            Given::Typed(value) => vec![value.clone()],
            Given::Text(text) => readings(text),
        }
    }
}

/// One reading of each, a different choice for each `way`.
fn choice(readings: &[Vec<Value>], way: usize) -> Vec<Value> {
    let mut rest = way;
    let mut one = |readings: &Vec<Value>| {
        let at = rest % readings.len();
        rest /= readings.len();
        readings[at].clone()
    };
    readings.iter().map(&mut one).collect()
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
