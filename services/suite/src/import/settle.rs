//! The book of rows: each gets its end once, in whatever order, and is written down in file order.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rapport_foundation::time::Micros;

use super::row::Reject;
use super::state::{State, Tally};

/// The state is saved this often while rows settle; a kill costs the rows since then a second look.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Accepted,
    Folded,
    Duplicate,
    Rejected(Reject),
}

/// Where an import writes what it remembers.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) rejects: PathBuf,
    pub(super) state: PathBuf,
}

/// The book of one import.
pub(super) struct Book {
    files: Files,
    state: State,
    /// Ends of rows behind one that has none yet.
    ahead: BTreeMap<u64, End>,
    rejects: Option<File>,
    saved: Instant,
    /// Whether the state file can be written at all.
    resumable: bool,
}

impl Book {
    /// Opens the book where an earlier run of the same import left it, or at the first row.
    ///
    /// # Errors
    /// When the files cannot be written: better now than at the first reject.
    pub(super) fn open(files: Files, fingerprint: String, now: Micros) -> io::Result<(Book, bool)> {
        let written = std::fs::metadata(&files.rejects).map_or(0, |file| file.len());
        let earlier =
            State::load(&files.state, &fingerprint).filter(|state| state.rejects_bytes <= written);
        let resumed = earlier.is_some();
        let state = earlier.unwrap_or(State {
            fingerprint,
            begun: now,
            settled: 0,
            tally: Tally::default(),
            rejects_bytes: 0,
        });
        let mut book = Book {
            files,
            state,
            ahead: BTreeMap::new(),
            rejects: None,
            saved: Instant::now(),
            resumable: true,
        };
        if book.state.rejects_bytes > 0 {
            let mut file = OpenOptions::new().write(true).open(&book.files.rejects)?;
            file.set_len(book.state.rejects_bytes)?;
            file.seek(SeekFrom::End(0))?;
            book.rejects = Some(file);
        } else if book.files.rejects.exists() {
            std::fs::remove_file(&book.files.rejects)?;
        }
        book.state.save(&book.files.state)?;
        Ok((book, resumed))
    }

    /// The last row up to which every row has its end.
    pub(super) fn settled(&self) -> u64 {
        self.state.settled
    }

    /// When the import was first begun.
    pub(super) fn begun(&self) -> Micros {
        self.state.begun
    }

    /// What the settled rows became.
    pub(super) fn tally(&self) -> &Tally {
        &self.state.tally
    }

    /// Gives a row its end.
    ///
    /// # Errors
    /// When the reject file cannot be written: a reject that is not written down would be lost.
    pub(super) fn settle(&mut self, row: u64, end: End) -> io::Result<()> {
        self.ahead.insert(row, end);
        while let Some(entry) = self.ahead.first_entry()
            && *entry.key() == self.state.settled + 1
        {
            let end = entry.remove();
            self.write_down(end)?;
            self.state.settled += 1;
        }
        if self.saved.elapsed() >= SAVE_EVERY {
            self.save();
        }
        Ok(())
    }

    /// Saves the state now; failing only costs the ability to resume.
    pub(super) fn save(&mut self) {
        self.saved = Instant::now();
        if self.resumable
            && let Err(error) = self.state.save(&self.files.state)
        {
            let file = self.files.state.display();
            tracing::warn!(%file, %error, "the import cannot be resumed: its state cannot be saved");
            self.resumable = false;
        }
    }

    /// Every row has its end: the next run of the same import is a new one.
    pub(super) fn close(self) -> (Tally, Option<PathBuf>) {
        let _ = std::fs::remove_file(&self.files.state);
        let rejects = self.rejects.map(|_| self.files.rejects);
        (self.state.tally, rejects)
    }

    fn write_down(&mut self, end: End) -> io::Result<()> {
        let tally = &mut self.state.tally;
        match end {
            End::Accepted => tally.accepted += 1,
            End::Folded => tally.folded += 1,
            End::Duplicate => tally.duplicate += 1,
            End::Rejected(reject) => {
                tally.rejected += 1;
                *tally.reasons.entry(reject.reason.clone()).or_default() += 1;
                self.reject(&reject)?;
            }
        }
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> io::Result<()> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        let file = match &mut self.rejects {
            Some(file) => file,
            none => {
                lines.write_record(["line", "reason", "detail", "row"])?;
                none.insert(create_private(&self.files.rejects)?)
            }
        };
        let line = reject.line.to_string();
        lines.write_record([&line, &reject.reason, &reject.detail, &reject.raw])?;
        let bytes = lines
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))?;
        file.write_all(&bytes)?;
        self.state.rejects_bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Rejected rows hold what the file holds of people: nobody else reads them.
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn reject(line: u64) -> End {
        End::Rejected(Reject {
            line,
            reason: "COLUMN_COUNT".into(),
            detail: "it has 2 columns".into(),
            raw: "a,\"b\"".into(),
        })
    }

    fn files(folder: &Path) -> Files {
        Files {
            rejects: folder.join("r.csv"),
            state: folder.join("s.json"),
        }
    }

    #[test]
    fn rows_count_once_every_row_before_them_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, resumed) = Book::open(files(folder.path()), "f".into(), Micros(1)).unwrap();
        assert!(!resumed);
        book.settle(2, reject(3)).unwrap();
        book.settle(3, End::Folded).unwrap();
        assert_eq!((book.settled(), book.tally().rejected), (0, 0));
        assert!(!folder.path().join("r.csv").exists());
        book.settle(1, End::Accepted).unwrap();
        assert_eq!(book.settled(), 3);
        let (tally, rejects) = book.close();
        assert_eq!((tally.accepted, tally.folded, tally.rejected), (1, 1, 1));
        let written = std::fs::read_to_string(rejects.unwrap()).unwrap();
        assert_eq!(
            written,
            "line,reason,detail,row\n3,COLUMN_COUNT,it has 2 columns,\"a,\"\"b\"\"\"\n"
        );
        assert!(!folder.path().join("s.json").exists());
    }

    #[test]
    fn a_killed_import_goes_on_without_counting_or_rejecting_twice() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(files(folder.path()), "f".into(), Micros(1)).unwrap();
        book.settle(1, reject(2)).unwrap();
        book.save();
        // These are written down after the last save, and the run dies.
        book.settle(2, reject(3)).unwrap();
        book.settle(3, End::Accepted).unwrap();
        drop(book);

        let (mut book, resumed) = Book::open(files(folder.path()), "f".into(), Micros(9)).unwrap();
        assert!(resumed);
        assert_eq!((book.settled(), book.begun()), (1, Micros(1)));
        book.settle(2, reject(3)).unwrap();
        let (tally, rejects) = book.close();
        assert_eq!(tally.rejected, 2);
        let written = std::fs::read_to_string(rejects.unwrap()).unwrap();
        assert_eq!(written.lines().count(), 3);
    }

    #[test]
    fn another_file_or_map_starts_at_the_first_row() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(files(folder.path()), "f".into(), Micros(1)).unwrap();
        book.settle(1, reject(2)).unwrap();
        book.save();
        drop(book);
        let (book, resumed) = Book::open(files(folder.path()), "other".into(), Micros(2)).unwrap();
        assert!(!resumed && book.settled() == 0);
        assert!(!folder.path().join("r.csv").exists());
    }
}
