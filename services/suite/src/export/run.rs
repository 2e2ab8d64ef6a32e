//! The export from the first question to the report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use prost::Message as _;
use rapport_proto::interactions::v1::{ExportInteractionsRequest, ExportInteractionsResponse};
use tokio::sync::mpsc;

use super::columns::COLUMNS;
use super::pull::Puller;
use super::report::{Progress, Report};
use super::sink::{Format, Sink};
use crate::client::{self, Authorised};

/// Contacts that wait to be written.
const AHEAD: usize = 16;
/// How often what was written is made safe: a kill costs the rows since then.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What to export and how.
#[derive(Debug)]
pub struct Plan {
    /// Which contacts; without a cursor.
    pub request: ExportInteractionsRequest,
    /// How to write them.
    pub format: Format,
    /// Where to; none for standard output.
    pub file: Option<PathBuf>,
    /// Rows of one row group at most: what an interruption of Parquet costs.
    pub group_rows: usize,
    /// Whom to ask, with a token that may export interactions.
    pub gateway: Authorised,
    /// How long the suite may be out of reach before the export gives up.
    pub give_up_after: Duration,
}

/// Why an export ended early. What was written until then is kept; the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("{path} cannot be written: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Standard output cannot be written.
    #[error("standard output cannot be written: {0}")]
    Stdout(std::io::Error),
    /// A contact cannot be written as a row.
    #[error("a contact cannot be written: {0}")]
    Row(String),
    /// The file is there.
    #[error("{} is there already: it is whole; move it away, or choose another name", .0.display())]
    There(PathBuf),
    /// Beside the file is the beginning of something else.
    #[error("{} is not of this export: remove it, or choose another name", .0.display())]
    Another(PathBuf),
    /// The gateway refuses the export.
    #[error("the gateway refuses the export: {}", client::explain(.0))]
    Refused(Box<tonic::Status>),
    /// The suite was out of reach for too long.
    #[error("the suite is out of reach: {}", client::explain(.0))]
    Unreachable(Box<tonic::Status>),
    /// The caller said so.
    #[error("stopped; the same command goes on from here")]
    Stopped,
    /// Whoever asked died.
    #[error("the export failed")]
    Puller,
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Error::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// Exports a stretch of the log. Ends early when `stop` does.
///
/// # Errors
/// See [`Error`].
pub async fn run(plan: Plan, stop: impl Future<Output = ()>) -> Result<Report, Error> {
    let started = Instant::now();
    let fingerprint = fingerprint(&plan);
    let file = plan.file.as_deref();
    let mut sink = Sink::open(file, plan.format, &fingerprint, plan.group_rows)?;
    let standing = sink.standing();
    let progress = Progress::new(standing.rows);
    let request = ExportInteractionsRequest {
        cursor: standing.cursor,
        ..plan.request
    };
    let (told, mut answers) = mpsc::channel(AHEAD);
    let puller = Puller::new(plan.gateway, request, plan.give_up_after);
    let pulling = tokio::spawn(puller.run(told));
    let written = tokio::select! {
        written = write(&mut sink, &mut answers, &progress) => written,
        () = stop => Err(Error::Stopped),
    };
    if written.is_err() {
        pulling.abort();
    }
    progress.clear();
    let pulled = match written {
        Ok(()) => pulling.await.unwrap_or(Err(Error::Puller)),
        Err(error) => Err(error),
    };
    let reconnects = match pulled {
        Ok(reconnects) => reconnects,
        Err(error) => {
            // Why it ended says more than why that could not be made safe.
            let _ = sink.leave();
            return Err(error);
        }
    };
    let rows = sink.standing().rows;
    sink.close()?;
    Ok(Report {
        rows,
        earlier: standing.rows,
        took: started.elapsed(),
        reconnects,
        file: plan.file,
    })
}

/// Writes what is told, until no more is.
async fn write(
    sink: &mut Sink,
    answers: &mut mpsc::Receiver<ExportInteractionsResponse>,
    progress: &Progress,
) -> Result<(), Error> {
    let mut keeping = tokio::time::interval(KEEP_EVERY);
    keeping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            answer = answers.recv() => match answer {
                Some(ExportInteractionsResponse { interaction: Some(one), cursor }) => {
                    sink.put(&one, cursor)?;
                    progress.show(&one);
                }
                Some(sign) => sink.pass(sign.cursor),
                None => return Ok(()),
            },
            _ = keeping.tick() => sink.keep()?,
        }
    }
}

/// What makes two runs the same export: what is asked for, and the table it becomes.
fn fingerprint(plan: &Plan) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    digest.update(format!("{:?}", plan.format).as_bytes());
    for column in COLUMNS {
        digest.update(column.name.as_bytes());
        digest.update(b"\n");
    }
    digest.update(&plan.request.encode_to_vec());
    hex::encode(digest.finish())
}
