//! The import from file to report.

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prost::Message as _;
use rapport_foundation::time::Clock;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use tokio::sync::mpsc;

use super::map::{self, MapError};
use super::mapping::Mapping;
use super::report::Report;
use super::row::{Read, Reject, Row};
use super::rows::{Consumed, Rows};
use super::send::{Contact, Sender, Unit, What};
use super::settle::{Book, End, Files};
use super::state::{self, Tally};
use crate::client::{self, Authorised};

/// A contact beyond this would be refused by the gateway together with the whole stream.
const MAX_CONTACT_BYTES: usize = 3 * 1024 * 1024;
/// Rows read ahead of what is sent.
const READ_AHEAD: usize = 1024;

/// What to import and how.
#[derive(Debug)]
pub struct Plan {
    /// CSV or NDJSON, plain or gzip.
    pub file: PathBuf,
    /// What its columns mean.
    pub map: PathBuf,
    /// Whether the contacts are to be acted on; else they are history.
    pub live: bool,
    /// Where to send them, with a token that may record interactions.
    pub gateway: Authorised,
    /// Contacts sent and not yet acknowledged, at most.
    pub concurrency: usize,
    /// Where rejected rows go; None stands for `FILE.rejects.csv`, or the same name in the current directory when
    /// nothing can be written beside the file.
    pub rejects: Option<PathBuf>,
    /// How long the suite may be out of reach before the import gives up.
    pub give_up_after: Duration,
}

/// Why an import ended early. What was settled until then is kept; the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The map does not fit.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The file cannot be read from its beginning.
    #[error("{path} cannot be read: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The reject file cannot be written.
    #[error("rejected rows cannot be written: {0}")]
    Rejects(#[from] std::io::Error),
    /// The gateway refuses the stream as a whole.
    #[error("the gateway refuses the import: {}", client::explain(.0))]
    Refused(Box<tonic::Status>),
    /// The suite was out of reach for too long.
    #[error("the suite is out of reach: {}", client::explain(.0))]
    Unreachable(Box<tonic::Status>),
    /// The caller said so.
    #[error("stopped; the same command goes on from here")]
    Stopped,
    /// The reader of the file died.
    #[error("the reader failed")]
    Reader,
}

/// Imports a file. Ends early when `stop` does.
///
/// # Errors
/// See [`Error`]. Rows that cannot be imported are no error: they are in the report.
pub async fn run(plan: Plan, stop: impl Future<Output = ()>) -> Result<Report, Error> {
    let started = Instant::now();
    let unreadable = |source| Error::File {
        path: plan.file.clone(),
        source,
    };
    let (map, map_text) = map::read(&plan.map)?;
    let (rows, header, consumed) = Rows::open(&plan.file, &map.source).map_err(unreadable)?;
    let mapping = Mapping::bind(&map, &header, plan.live)?;
    let fingerprint = state::fingerprint(&plan.file, &map_text, plan.live).map_err(unreadable)?;
    let files = files(&plan);
    let (mut book, resumed) = Book::open(files, fingerprint, Clock::system().now())?;

    let progress = Progress::new(&plan.file, consumed, resumed.then(|| book.settled()));
    let (units_in, mut units) = mpsc::channel(READ_AHEAD);
    let settled = book.settled();
    let reader =
        tokio::task::spawn_blocking(move || read_units(rows, &mapping, settled, &units_in));
    let mut sender = Sender::new(
        InteractionServiceClient::new(plan.gateway),
        &mut book,
        &progress,
        resumed,
    );
    sender.concurrency = plan.concurrency.max(1);
    sender.give_up_after = plan.give_up_after;
    let outcome = tokio::select! {
        outcome = sender.run(&mut units) => outcome,
        () = stop => Err(Error::Stopped),
    };
    let reconnects = sender.reconnects;
    // A reader that waits for room ends when nobody listens any more.
    drop(units);
    let read = reader.await;
    progress.clear();
    if let Err(error) = outcome.and(read.map_err(|_| Error::Reader)) {
        book.save();
        return Err(error);
    }
    let (tally, rejects) = book.close();
    Ok(Report {
        tally,
        rejects,
        took: started.elapsed(),
        reconnects,
    })
}

/// The reject file and, beside it, the state: where the plan says, else beside the file, else here.
fn files(plan: &Plan) -> Files {
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let beside = || {
        let folder = plan
            .file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let writable = tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).is_ok();
        match plan.file.file_name() {
            Some(name) if !writable => with(Path::new(name), ".rejects.csv"),
            _ => with(&plan.file, ".rejects.csv"),
        }
    };
    let rejects = plan.rejects.clone().unwrap_or_else(beside);
    Files {
        state: with(&rejects, ".state"),
        rejects,
    }
}

/// Reads the whole file, row by row, on a thread of its own.
fn read_units(mut rows: Rows, mapping: &Mapping, settled: u64, units: &mpsc::Sender<Unit>) {
    let mut keys = HashSet::new();
    for number in 1_u64.. {
        let (what, last) = match rows.next() {
            Ok(None) => return,
            Ok(Some(Read::Broken(reject))) => (What::Ended(End::Rejected(reject)), false),
            Ok(Some(Read::Row(row))) => match first_of_key(&row, mapping, &mut keys) {
                Ok(true) if number <= settled => continue,
                Ok(true) => (contact(row, mapping), false),
                Ok(false) => (What::Ended(End::Folded), false),
                Err(detail) => (rejected(row, "KEY_MISSING", detail), false),
            },
            Err(error) => {
                let reject = Reject {
                    line: 0,
                    reason: "FILE_CUT_SHORT".into(),
                    detail: format!("the file cannot be read on: {error}"),
                    raw: String::new(),
                };
                (What::Ended(End::Rejected(reject)), true)
            }
        };
        let gone = number > settled && units.blocking_send(Unit { row: number, what }).is_err();
        if last || gone {
            return;
        }
    }
}

/// Whether a row is the first of its key. Keys are kept as half a SHA-256: a file of millions fits.
fn first_of_key(
    row: &Row,
    mapping: &Mapping,
    keys: &mut HashSet<[u8; 16]>,
) -> Result<bool, String> {
    let Some(key) = mapping.key(row)? else {
        return Ok(true);
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_ref()[..16]);
    Ok(keys.insert(half))
}

fn contact(row: Row, mapping: &Mapping) -> What {
    match mapping.contact(&row) {
        Err(faults) => rejected(row, "UNMAPPABLE", faults.join("; ")),
        Ok(input) if input.encoded_len() > MAX_CONTACT_BYTES => {
            let detail = format!("it has more than {MAX_CONTACT_BYTES} bytes");
            rejected(row, "CONTACT_TOO_LARGE", detail)
        }
        Ok(input) => What::Contact(Box::new(Contact {
            line: row.line,
            raw: row.raw,
            input,
        })),
    }
}

fn rejected(row: Row, reason: &str, detail: String) -> What {
    What::Ended(End::Rejected(Reject {
        line: row.line,
        reason: reason.to_owned(),
        detail,
        raw: row.raw,
    }))
}

/// The bar on a terminal; silence elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    consumed: Consumed,
}

impl Progress {
    fn new(file: &Path, consumed: Consumed, resumed_after: Option<u64>) -> Self {
        let total = std::fs::metadata(file).map_or(0, |file| file.len());
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style = "{elapsed_precise} [{bar:40}] {bytes}/{total_bytes} {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        if let Some(rows) = resumed_after {
            bar.println(format!("going on behind row {rows}"));
        }
        Progress { bar, consumed }
    }

    pub(super) fn show(&self, tally: &Tally) {
        self.bar.set_position(self.consumed.bytes());
        if !self.bar.is_hidden() {
            self.bar.set_message(format!(
                "{} accepted, {} folded, {} duplicate, {} rejected",
                tally.accepted, tally.folded, tally.duplicate, tally.rejected
            ));
        }
    }

    pub(super) fn note(&self, status: &tonic::Status) {
        self.bar
            .println(format!("connecting anew: {}", status.message()));
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
