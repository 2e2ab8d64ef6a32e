//! The way of answers to the reader of a stream: bounded, and given up when nobody reads.

use std::time::Duration;

use futures::stream::{self, Stream, StreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::Error;

/// Answers that may wait for their reader.
const DEPTH: usize = 64;

/// The writing end.
pub(super) struct Feed<T> {
    answers: mpsc::Sender<T>,
    ended: oneshot::Sender<Error>,
    patience: Duration,
}

/// Why nothing more can be told.
pub(super) enum Gone {
    /// The reader has hung up.
    Left,
    /// The reader does not read.
    Stuck,
}

/// A feed and what its reader sees: the answers, and at the end the error when there was one.
pub(super) fn feed<T: Send + 'static>(
    patience: Duration,
) -> (Feed<T>, impl Stream<Item = Result<T, Error>> + Send) {
    bounded(DEPTH, patience)
}

/// The same where so many answers may wait.
pub(super) fn bounded<T: Send + 'static>(
    depth: usize,
    patience: Duration,
) -> (Feed<T>, impl Stream<Item = Result<T, Error>> + Send) {
    let (answers, told) = mpsc::channel(depth);
    let (ended, end) = oneshot::channel();
    let last = stream::once(end).filter_map(|end| async move { end.ok().map(Err) });
    (
        Feed {
            answers,
            ended,
            patience,
        },
        ReceiverStream::new(told).map(Ok).chain(last),
    )
}

impl<T> Feed<T> {
    /// Tells one answer; waits for the reader, but not for ever.
    pub(super) async fn tell(&self, answer: T) -> Result<(), Gone> {
        match self.answers.send_timeout(answer, self.patience).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(Gone::Stuck),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(Gone::Left),
        }
    }

    /// Returns when the reader has hung up.
    pub(super) async fn left(&self) {
        self.answers.closed().await;
    }

    /// Ends the stream with an error, behind the answers that wait.
    pub(super) fn fail(self, error: Error) {
        // The reader may be gone.
        let _ = self.ended.send(error);
    }

    /// Ends the stream as `outcome` says.
    pub(super) fn close(self, outcome: Result<(), Ending>) {
        match outcome {
            Ok(()) | Err(Ending::Left) => {}
            Err(Ending::Failed(error)) => self.fail(error),
        }
    }
}

/// Why a stream ends before its time.
pub(super) enum Ending {
    /// The reader has hung up: nobody is told.
    Left,
    /// The reader is told.
    Failed(Error),
}

impl From<Gone> for Ending {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Left => Self::Left,
            Gone::Stuck => Self::Failed(Error::SlowReader),
        }
    }
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
