//! Sending contacts over one stream with a bounded number unacknowledged, through restarts of the suite.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rapport_foundation::id::InteractionId;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::interactions::v1::{
    InteractionInput, ItemError, StreamInteractionsRequest, StreamInteractionsResponse,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::inlet::{Error, Progress};
use super::row::Reject;
use super::settle::{Book, End};
use crate::client::{self, Authorised};

/// How long opening the stream may take.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long nothing may be acknowledged while something is out, before the connection is made anew.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// Waits between connections, from the first to the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// How often a row is sent that fails inside the suite, before it is rejected.
const INTERNAL_TRIES: u32 = 5;
/// Rows that may have ended behind one that has not: bounds the book's memory.
const AHEAD_LIMIT: u64 = 100_000;

/// One row on its way.
pub(super) struct Unit {
    pub(super) row: u64,
    pub(super) what: What,
}

/// What a row turned out to be.
pub(super) enum What {
    /// To be sent.
    Contact(Box<Contact>),
    /// Nothing to send: folded, or rejected before sending.
    Ended(End),
}

/// A contact and where it came from.
pub(super) struct Contact {
    pub(super) line: u64,
    pub(super) raw: String,
    pub(super) input: InteractionInput,
}

/// A contact that has no answer yet.
struct Out {
    contact: Box<Contact>,
    /// How often it was put on a stream.
    sends: u32,
}

/// Sends until every unit has its end in the book.
pub(super) struct Sender<'a> {
    pub(super) client: InteractionServiceClient<Authorised>,
    pub(super) book: &'a mut Book,
    pub(super) progress: &'a Progress,
    pub(super) concurrency: usize,
    pub(super) give_up_after: Duration,
    pub(super) resumed: bool,
    window: BTreeMap<u64, Out>,
    /// Rows to be sent again, and when.
    again: VecDeque<(Instant, u64)>,
    read_all: bool,
    last_row: u64,
    last_answer: Instant,
    pub(super) reconnects: u32,
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        client: InteractionServiceClient<Authorised>,
        book: &'a mut Book,
        progress: &'a Progress,
        resumed: bool,
    ) -> Self {
        Sender {
            client,
            book,
            progress,
            concurrency: 256,
            give_up_after: Duration::from_secs(300),
            resumed,
            window: BTreeMap::new(),
            again: VecDeque::new(),
            read_all: false,
            last_row: 0,
            last_answer: Instant::now(),
            reconnects: 0,
        }
    }

    /// # Errors
    /// When the gateway refuses the whole stream, nothing was answered for too long, or the reject file
    /// cannot be written.
    pub(super) async fn run(&mut self, units: &mut mpsc::Receiver<Unit>) -> Result<(), Error> {
        let mut wait = BACKOFF.0;
        loop {
            let before = self.last_answer;
            match self.session(units).await? {
                None => return Ok(()),
                Some(status) if client::is_final(&status) => {
                    return Err(Error::Refused(Box::new(status)));
                }
                Some(status) if self.last_answer.elapsed() > self.give_up_after => {
                    return Err(Error::Unreachable(Box::new(status)));
                }
                Some(status) => self.progress.note(&status),
            }
            if self.last_answer > before {
                wait = BACKOFF.0;
            }
            self.reconnects += 1;
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// One stream from its opening to its end; None when everything is done.
    async fn session(&mut self, units: &mut mpsc::Receiver<Unit>) -> Result<Option<Status>, Error> {
        // A server may answer the opening of a stream only together with its first item.
        while self.window.is_empty() {
            match units.recv().await {
                Some(unit) => self.take(unit, None)?,
                None => return Ok(None),
            }
        }
        // Acknowledged rows leave the window before new ones enter, so sending never has to wait.
        let (outgoing, requests) = mpsc::channel(self.concurrency + 1);
        self.again.clear();
        for (row, out) in &mut self.window {
            put(&outgoing, *row, out);
        }
        let opening = self
            .client
            .stream_interactions(ReceiverStream::new(requests));
        let mut answers = match tokio::time::timeout(OPEN_LIMIT, opening).await {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => return Ok(Some(status)),
            Err(_) => return Ok(Some(Status::unavailable("the gateway does not answer"))),
        };
        let mut quiet_since = Instant::now();
        while !(self.read_all && self.window.is_empty()) {
            let room = self.window.len() < self.concurrency
                && self.last_row < self.book.settled() + AHEAD_LIMIT;
            let next_again = self.again.front().map(|(at, _)| *at);
            tokio::select! {
                answer = answers.message() => match answer {
                    Ok(Some(answer)) => {
                        quiet_since = Instant::now();
                        self.last_answer = quiet_since;
                        self.answered(answer)?;
                    }
                    Ok(None) => return Ok(Some(Status::unavailable("the stream ended early"))),
                    Err(status) => return Ok(Some(status)),
                },
                unit = units.recv(), if room && !self.read_all => match unit {
                    Some(unit) => {
                        if self.window.is_empty() {
                            quiet_since = Instant::now();
                        }
                        self.take(unit, Some(&outgoing))?;
                    }
                    None => self.read_all = true,
                },
                () = until(next_again), if next_again.is_some() => self.send_again(&outgoing),
                () = tokio::time::sleep_until(quiet_since + SILENCE_LIMIT), if !self.window.is_empty() => {
                    return Ok(Some(Status::unavailable("nothing was acknowledged for too long")));
                }
            }
            self.progress.show(self.book.tally());
        }
        Ok(None)
    }

    fn take(
        &mut self,
        unit: Unit,
        outgoing: Option<&mpsc::Sender<StreamInteractionsRequest>>,
    ) -> Result<(), Error> {
        self.last_row = unit.row;
        match unit.what {
            What::Ended(end) => self.book.settle(unit.row, end)?,
            What::Contact(contact) => {
                let out = self
                    .window
                    .entry(unit.row)
                    .or_insert(Out { contact, sends: 0 });
                if let Some(outgoing) = outgoing {
                    put(outgoing, unit.row, out);
                }
            }
        }
        Ok(())
    }

    fn send_again(&mut self, outgoing: &mpsc::Sender<StreamInteractionsRequest>) {
        while let Some((at, row)) = self.again.front().copied()
            && at <= Instant::now()
        {
            self.again.pop_front();
            if let Some(out) = self.window.get_mut(&row) {
                put(outgoing, row, out);
            }
        }
    }

    fn answered(&mut self, answer: StreamInteractionsResponse) -> Result<(), Error> {
        let row = u64::try_from(answer.sequence).unwrap_or(0);
        let Some(out) = self.window.get(&row) else {
            return Ok(());
        };
        let end = match &answer.error {
            Some(error) if may_pass(error, out.sends) => {
                let wait = (BACKOFF.0 * out.sends).min(BACKOFF.1);
                self.again.push_back((Instant::now() + wait, row));
                return Ok(());
            }
            Some(error) => End::Rejected(Reject {
                line: out.contact.line,
                reason: reason(error),
                detail: detail(error),
                raw: out.contact.raw.clone(),
            }),
            // Sent more than once, it may be a duplicate of itself: then it was made since the import began.
            None if answer.duplicate => {
                let own = (out.sends > 1 || self.resumed)
                    && made_since(&answer.interaction_id, self.book.begun());
                if own { End::Accepted } else { End::Duplicate }
            }
            None => End::Accepted,
        };
        self.window.remove(&row);
        self.book.settle(row, end)?;
        Ok(())
    }
}

fn put(outgoing: &mpsc::Sender<StreamInteractionsRequest>, row: u64, out: &mut Out) {
    out.sends += 1;
    let request = StreamInteractionsRequest {
        sequence: i64::try_from(row).unwrap_or(i64::MAX),
        interaction: Some(out.contact.input.clone()),
        fact: None,
    };
    // It fails only when the stream has just ended: then the row is sent again on the next one.
    let _ = outgoing.try_send(request);
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Whether the same row may succeed later.
fn may_pass(error: &ItemError, sends: u32) -> bool {
    match Code::from(error.code) {
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::DeadlineExceeded
        | Code::Cancelled => true,
        Code::Internal | Code::Unknown => sends < INTERNAL_TRIES,
        _ => false,
    }
}

fn reason(error: &ItemError) -> String {
    match error.reason.as_str() {
        "" => format!("{:?}", Code::from(error.code)),
        reason => reason.to_owned(),
    }
}

fn detail(error: &ItemError) -> String {
    let violations = error.violations.iter();
    let mut parts = vec![error.message.clone()];
    parts.extend(
        violations.map(|violation| format!("{}: {}", violation.field, violation.description)),
    );
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// Whether an id was made at or after a moment, to the millisecond ids carry.
fn made_since(id: &str, moment: Micros) -> bool {
    let Ok(id) = id.parse::<InteractionId>() else {
        return false;
    };
    let made = id.uuid().get_timestamp().map(|stamp| stamp.to_unix());
    made.is_some_and(|(seconds, nanos)| {
        let millis = i128::from(seconds) * 1000 + i128::from(nanos / 1_000_000);
        millis >= i128::from(moment.0 / 1000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_whether_it_was_made_by_this_import() {
        let id = InteractionId::new(Micros(1_700_000_000_123_456)).to_string();
        assert!(made_since(&id, Micros(1_700_000_000_123_000)));
        assert!(!made_since(&id, Micros(1_700_000_000_124_000)));
        assert!(!made_since("nothing", Micros(0)));
    }

    #[test]
    fn only_what_may_pass_later_is_sent_again() {
        let error = |code: Code| ItemError {
            code: code as i32,
            ..ItemError::default()
        };
        assert!(may_pass(&error(Code::Unavailable), 100));
        assert!(may_pass(&error(Code::Internal), 1));
        assert!(!may_pass(&error(Code::Internal), INTERNAL_TRIES));
        assert!(!may_pass(&error(Code::InvalidArgument), 1));
        assert!(!may_pass(&error(Code::AlreadyExists), 1));
    }
}
