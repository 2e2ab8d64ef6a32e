//! Files become documents: each a resource as it is wanted, and where it stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::kinds::{KINDS, Kind, kind};
use super::reading::{Reading, nearest};
use super::shape::Table;

/// A file is read whole; one that is larger is none of ours.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Which file.
    pub file: PathBuf,
    /// Which line, from 1; 0 for the file itself.
    pub line: usize,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.text),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.text),
        }
    }
}

/// A resource as a file has it.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) kind: &'static Kind,
    /// What it is named by; empty where there is one of its kind.
    pub(super) key: String,
    /// Just as it is written.
    pub(super) said: Table,
    pub(super) file: PathBuf,
    /// Where it begins.
    pub(super) line: usize,
    /// Where its parts are, by the path that the contracts give them, and how files name that path.
    pub(super) places: BTreeMap<String, (usize, String)>,
    /// What it refers to.
    pub(super) references: Vec<Reference>,
    /// Whether all of it could be read.
    pub(super) whole: bool,
}

/// A name of another resource.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) kind: &'static Kind,
    pub(super) key: String,
    pub(super) line: usize,
}

impl Document {
    /// Something that is wrong with it, at a line.
    pub(super) fn fault(&self, line: usize, text: impl fmt::Display) -> Fault {
        Fault {
            file: self.file.clone(),
            line,
            text: format!("{}: {text}", self.title()),
        }
    }

    pub(super) fn title(&self) -> String {
        title(self.kind, &self.key)
    }

    /// The line of a part, or of what it is a part of, and how files name the part.
    pub(super) fn place(&self, path: &str) -> (usize, String) {
        let mut front = path;
        loop {
            if let Some((line, name)) = self.places.get(front) {
                return (
                    *line,
                    name.clone() + path.get(front.len()..).unwrap_or_default(),
                );
            }
            match front.rfind(['.', '[']) {
                Some(end) => front = front.get(..end).unwrap_or_default(),
                None => return (self.line, path.to_owned()),
            }
        }
    }
}

/// How people call a resource.
pub(super) fn title(kind: &Kind, key: &str) -> String {
    match key {
        "" => kind.name.to_owned(),
        key => format!("{} {key}", kind.name),
    }
}

/// Every document of files and folders, in the order of their names, and everything that is wrong with them.
pub(super) fn read(paths: &[PathBuf]) -> (Vec<Document>, Vec<Fault>) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        match files(path) {
            Ok(files) if files.is_empty() => {
                faults.push(of_file(path, "holds no file that ends in .toml"));
            }
            Ok(files) => {
                for file in files {
                    match text(&file) {
                        Ok(text) => parse(&file, &text, &mut documents, &mut faults),
                        Err(what) => faults.push(of_file(&file, what)),
                    }
                }
            }
            Err(error) => faults.push(of_file(path, format!("cannot be read: {error}"))),
        }
    }
    (documents, faults)
}

fn of_file(file: &Path, text: impl Into<String>) -> Fault {
    Fault {
        file: file.to_owned(),
        line: 0,
        text: text.into(),
    }
}

/// The file, or all of a folder and of those in it; what begins with a dot is not ours.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if entry.is_dir() {
            found.extend(files(&entry)?);
        } else if entry.extension().is_some_and(|ending| ending == "toml") {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}

fn text(file: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > FILE_MAX_BYTES {
        return Err(format!("{size} bytes are more than {FILE_MAX_BYTES}"));
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

/// The documents of one file. A table that is broken is left out, and the rest is looked at.
pub(super) fn parse(
    file: &Path,
    text: &str,
    documents: &mut Vec<Document>,
    faults: &mut Vec<Fault>,
) {
    let (tree, broken) = DeTable::parse_recoverable(text);
    let mut reading = Reading::new(text);
    for error in broken {
        let at = error.span().map_or(0, |span| span.start);
        reading.fault(at, error.message());
    }
    // What is said of a tree that could not be read to its end would mislead.
    let tables = tree.get_ref().iter().filter(|_| reading.faults.is_empty());
    let tables: Vec<_> = tables.collect();
    for (name, value) in tables {
        let at = name.span().start;
        let Some(kind) = kind(name.get_ref()) else {
            let known = KINDS.iter().map(|kind| kind.name);
            reading.fault(at, nearest(name.get_ref(), known));
            continue;
        };
        match value.get_ref() {
            DeValue::Table(table) => {
                let table_at = value.span().start.max(at);
                documents.extend(document(&mut reading, kind, table, table_at, file));
            }
            DeValue::Array(tables) => {
                for one in tables.iter() {
                    match one.get_ref() {
                        DeValue::Table(table) => {
                            let at = one.span().start;
                            documents.extend(document(&mut reading, kind, table, at, file));
                        }
                        _ => reading.fault(one.span().start, format!("a {} is a table", kind.name)),
                    }
                }
            }
            _ => reading.fault(at, format!("a {} is a table: [[{}]]", kind.name, kind.name)),
        }
    }
    faults.extend(reading.faults.into_iter().map(|(line, text)| Fault {
        file: file.to_owned(),
        line,
        text,
    }));
}

fn document(
    reading: &mut Reading,
    kind: &'static Kind,
    table: &DeTable<'_>,
    at: usize,
    file: &Path,
) -> Option<Document> {
    let (shape, before) = (kind.shape(), reading.faults.len());
    let said = reading.table(&shape, table, "", "");
    let key = said.get(kind.key).and_then(|key| key.as_str());
    let key = key.unwrap_or_default().to_owned();
    if !kind.key.is_empty() && key.is_empty() {
        if !table.contains_key(kind.key) {
            reading.fault(at, format!("a {} needs its `{}`", kind.name, kind.key));
        }
        reading.forget();
        return None;
    }
    Some(Document {
        kind,
        line: reading.line(at),
        places: std::mem::take(&mut reading.places),
        references: std::mem::take(&mut reading.references),
        file: file.to_owned(),
        whole: reading.faults.len() == before,
        key,
        said,
    })
}
