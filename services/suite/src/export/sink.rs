//! Where rows go.

use std::path::Path;

use rapport_proto::interactions::v1::Interaction;

use super::groups::Groups;
use super::lines::{Lines, Shape};
use super::run::Error;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The whole contact in the JSON of the contract, one a line.
    Ndjson,
    /// A table with a header; what is nested is JSON.
    Csv,
    /// The same table with types, in row groups.
    Parquet,
}

impl Format {
    /// What the ending of a name stands for.
    pub fn by_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// How far an export came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) cursor: String,
    pub(super) rows: u64,
}

/// A file, or standard output.
pub(super) enum Sink {
    Lines(Box<Lines>),
    Groups(Box<Groups>),
}

impl Sink {
    /// Opens it where an earlier run of the same export left it.
    pub(super) fn open(
        file: Option<&Path>,
        format: Format,
        fingerprint: &str,
        group_rows: usize,
    ) -> Result<Sink, Error> {
        if let Some(file) = file.filter(|file| file.exists()) {
            return Err(Error::There(file.to_owned()));
        }
        let shape = match format {
            Format::Ndjson => Shape::Ndjson,
            Format::Csv => Shape::Csv,
            Format::Parquet => {
                let groups = match file {
                    Some(file) => Groups::to_file(file, fingerprint, group_rows),
                    None => Groups::to_stdout(group_rows),
                };
                return groups.map(|groups| Sink::Groups(Box::new(groups)));
            }
        };
        let lines = match file {
            Some(file) => Lines::to_file(file, shape, fingerprint),
            None => Lines::to_stdout(shape),
        };
        lines.map(|lines| Sink::Lines(Box::new(lines)))
    }

    pub(super) fn standing(&self) -> Standing {
        match self {
            Sink::Lines(lines) => lines.standing(),
            Sink::Groups(groups) => groups.standing(),
        }
    }

    /// Takes a contact; `cursor` goes on behind it.
    pub(super) fn put(&mut self, one: &Interaction, cursor: String) -> Result<(), Error> {
        match self {
            Sink::Lines(lines) => {
                lines.put(one)?;
                lines.pass(cursor);
                Ok(())
            }
            Sink::Groups(groups) => groups.put(one, cursor),
        }
    }

    /// Nothing fits up to this cursor.
    pub(super) fn pass(&mut self, cursor: String) {
        match self {
            Sink::Lines(lines) => lines.pass(cursor),
            Sink::Groups(groups) => groups.pass(cursor),
        }
    }

    /// Makes safe what can be: of Parquet only whole row groups are.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        match self {
            Sink::Lines(lines) => lines.keep(),
            Sink::Groups(_) => Ok(()),
        }
    }

    /// Makes everything safe before its time: the export ends early.
    pub(super) fn leave(&mut self) -> Result<(), Error> {
        match self {
            Sink::Lines(lines) => lines.keep(),
            Sink::Groups(groups) => groups.finish_group(),
        }
    }

    /// Everything is there: the file gets its name.
    pub(super) fn close(self) -> Result<(), Error> {
        match self {
            Sink::Lines(lines) => lines.close(),
            Sink::Groups(groups) => groups.close(),
        }
    }
}
