//! NDJSON and CSV: one file that grows, and beside it how far it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rapport_proto::interactions::v1::Interaction;

use super::columns::COLUMNS;
use super::keep::{self, State};
use super::row::{Cell, Writer, cell};
use super::run::Error;
use super::sink::Standing;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Ndjson,
    Csv,
}

/// Lines on their way.
pub(super) struct Lines {
    shape: Shape,
    writer: Writer,
    out: Out,
    /// What is written, perhaps only into memory.
    state: State,
}

enum Out {
    Stream(BufWriter<io::Stdout>),
    File(Box<Kept>),
}

/// A file with its state.
struct Kept {
    file: BufWriter<File>,
    /// The name it has once it is whole.
    whole: PathBuf,
    part: PathBuf,
    state_path: PathBuf,
    /// What was saved last.
    saved: State,
}

impl Lines {
    /// Lines to standard output, which nothing can go on with.
    pub(super) fn to_stdout(shape: Shape) -> Result<Self, Error> {
        let out = Out::Stream(BufWriter::with_capacity(64 * 1024, io::stdout()));
        let mut lines = Lines {
            shape,
            writer: Writer::new()?,
            out,
            state: State::default(),
        };
        lines.begin()?;
        Ok(lines)
    }

    /// Lines to a file, from where an earlier run left it.
    pub(super) fn to_file(whole: &Path, shape: Shape, fingerprint: &str) -> Result<Self, Error> {
        let part = keep::with(whole, ".part");
        let state_path = keep::with(whole, ".part.state");
        let failed = |source| Error::file(&part, source);
        let earlier = State::load(&state_path);
        let written = std::fs::metadata(&part).map(|file| file.len()).ok();
        let same = |state: &State| state.fingerprint == fingerprint;
        // What has no row yet is nothing that could be lost.
        let another = match &earlier {
            Some(state) => !same(state) && state.rows > 0,
            None => written.is_some(),
        };
        if another {
            return Err(Error::Another(part));
        }
        let earlier = earlier.filter(|state| same(state) && written >= Some(state.bytes));
        let (state, file) = match earlier {
            Some(state) => {
                let mut file = OpenOptions::new().write(true).open(&part).map_err(failed)?;
                file.set_len(state.bytes).map_err(failed)?;
                file.seek(SeekFrom::End(0)).map_err(failed)?;
                (state, file)
            }
            _ => {
                let state = State {
                    fingerprint: fingerprint.to_owned(),
                    ..State::default()
                };
                // The state first: a file without one is not ours.
                state.save(&state_path).map_err(failed)?;
                (state, keep::private(&part).map_err(failed)?)
            }
        };
        let kept = Kept {
            file: BufWriter::with_capacity(256 * 1024, file),
            whole: whole.to_owned(),
            part,
            state_path,
            saved: state.clone(),
        };
        let mut lines = Lines {
            shape,
            writer: Writer::new()?,
            out: Out::File(Box::new(kept)),
            state,
        };
        if lines.state.bytes == 0 {
            lines.begin()?;
        }
        Ok(lines)
    }

    pub(super) fn standing(&self) -> Standing {
        Standing {
            cursor: self.state.cursor.clone(),
            rows: self.state.rows,
        }
    }

    fn begin(&mut self) -> Result<(), Error> {
        match self.shape {
            Shape::Ndjson => Ok(()),
            Shape::Csv => {
                let header = record(COLUMNS.iter().map(|column| column.name))?;
                self.write(&header)
            }
        }
    }

    pub(super) fn put(&mut self, one: &Interaction) -> Result<(), Error> {
        let line = match self.shape {
            Shape::Ndjson => {
                let mut line = self.writer.line(one)?;
                line.push(b'\n');
                line
            }
            Shape::Csv => {
                let contact = self.writer.value(one)?;
                let cells = COLUMNS.iter().map(|column| cell(&contact, column));
                record(cells.map(|cell| cell.map(shown).unwrap_or_default()))?
            }
        };
        self.write(&line)?;
        self.state.rows += 1;
        Ok(())
    }

    pub(super) fn pass(&mut self, cursor: String) {
        self.state.cursor = cursor;
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.out {
            Out::Stream(out) => out.write_all(bytes).map_err(Error::Stdout)?,
            Out::File(kept) => {
                let written = kept.file.write_all(bytes);
                written.map_err(|source| Error::file(&kept.part, source))?;
            }
        }
        self.state.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Notes how far it is whole: what was written until now is not written again.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        match &mut self.out {
            Out::Stream(out) => out.flush().map_err(Error::Stdout),
            Out::File(kept) => kept
                .keep(&self.state)
                .map_err(|source| Error::file(&kept.part, source)),
        }
    }

    /// Gives the file its name.
    pub(super) fn close(mut self) -> Result<(), Error> {
        self.keep()?;
        let Out::File(kept) = self.out else {
            return Ok(());
        };
        let settled = keep::settle(kept.file.get_ref(), &kept.part, &kept.whole);
        settled.map_err(|source| Error::file(&kept.whole, source))?;
        // The file is whole: a state that stays is of no use and does no harm.
        let _ = std::fs::remove_file(&kept.state_path);
        Ok(())
    }
}

impl Kept {
    fn keep(&mut self, state: &State) -> io::Result<()> {
        if *state == self.saved {
            return Ok(());
        }
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        state.save(&self.state_path)?;
        self.saved = state.clone();
        Ok(())
    }
}

fn shown(cell: Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Time(_, text) => text,
        Cell::Number(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
    }
}

fn record(fields: impl Iterator<Item: AsRef<[u8]>>) -> Result<Vec<u8>, Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    let failed = |error: String| Error::Row(error);
    lines
        .write_record(fields)
        .map_err(|error| failed(error.to_string()))?;
    lines
        .into_inner()
        .map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::row::tests::contact;
    use super::*;

    fn put(lines: &mut Lines, numbers: std::ops::Range<i64>) {
        for number in numbers {
            lines.put(&contact(number)).unwrap();
            lines.pass(format!("behind {number}"));
        }
    }

    fn names(file: &Path, shape: Shape) -> Vec<String> {
        let text = std::fs::read_to_string(file).unwrap();
        if shape == Shape::Ndjson {
            let one = |line| -> serde_json::Value { serde_json::from_str(line).unwrap() };
            let name = |line| {
                one(line)["input"]["external_id"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            return text.lines().map(name).collect();
        }
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(rows.headers().unwrap().len(), COLUMNS.len());
        rows.records()
            .map(|row| row.unwrap()[2].to_owned())
            .collect()
    }

    #[test]
    fn lines_go_on_behind_what_was_kept_whatever_stands_behind_it() {
        for shape in [Shape::Ndjson, Shape::Csv] {
            let folder = tempfile::tempdir().unwrap();
            let whole = folder.path().join("whole");
            let mut lines = Lines::to_file(&whole, shape, "f").unwrap();
            put(&mut lines, 0..3);
            lines.keep().unwrap();
            // These are written after it was kept last, the last of them in part, and the run dies.
            put(&mut lines, 3..5);
            drop(lines);
            let part = keep::with(&whole, ".part");
            let torn = std::fs::metadata(&part).unwrap().len() - 7;
            let file = OpenOptions::new().write(true).open(&part).unwrap();
            file.set_len(torn).unwrap();

            let mut lines = Lines::to_file(&whole, shape, "f").unwrap();
            let standing = lines.standing();
            assert_eq!((standing.rows, standing.cursor.as_str()), (3, "behind 2"));
            put(&mut lines, 3..6);
            assert!(!whole.exists());
            lines.close().unwrap();
            let expected: Vec<String> = (0..6).map(|number| format!("m-{number}")).collect();
            assert_eq!(names(&whole, shape), expected);
            let left = std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(left, 1, "only the file");
        }
    }

    #[test]
    fn what_has_no_row_yet_is_begun_again_and_other_rows_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        drop(Lines::to_file(&whole, Shape::Csv, "f").unwrap());
        let mut lines = Lines::to_file(&whole, Shape::Csv, "g").unwrap();
        put(&mut lines, 0..1);
        lines.keep().unwrap();
        drop(lines);
        let other = Lines::to_file(&whole, Shape::Csv, "f");
        assert!(matches!(other, Err(Error::Another(_))));
        // Its file is gone: there is nothing to go on with.
        std::fs::remove_file(keep::with(&whole, ".part")).unwrap();
        let mut lines = Lines::to_file(&whole, Shape::Csv, "g").unwrap();
        assert_eq!(lines.standing(), Standing::default());
        put(&mut lines, 0..2);
        lines.close().unwrap();
        assert_eq!(names(&whole, Shape::Csv), ["m-0", "m-1"]);
    }
}
