//! What is left of a request body when the answer is there. On HTTP/1.1 a connection on which it was not read is closed,
//! and a caller who is still sending sees a broken pipe instead of the refusal. So a little of it is read and forgotten.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;

/// A refused request of this size still hears why; one that goes on for longer is cut off.
const MOST_BYTES: usize = 64 * 1024;
const LONGEST: Duration = Duration::from_millis(500);

/// A request body that is given back when it is dropped before its end.
pub(super) struct Watched {
    /// None once it was read to its end, or was given back.
    body: Option<Incoming>,
    given_back: Option<oneshot::Sender<Incoming>>,
}

/// Where a body is given back.
pub(super) struct Leftover(oneshot::Receiver<Incoming>);

/// Watches a body.
pub(super) fn watch(body: Incoming) -> (Watched, Leftover) {
    let (sender, receiver) = oneshot::channel();
    let watched = Watched {
        body: Some(body),
        given_back: Some(sender),
    };
    (watched, Leftover(receiver))
}

impl Leftover {
    /// Reads what was left, within bounds. Nothing is left of a body that is still being read.
    pub(super) async fn forget(mut self) {
        let Ok(mut body) = self.0.try_recv() else {
            return;
        };
        let read = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > MOST_BYTES {
                    return;
                }
            }
        };
        // Late is as good as never.
        let _ = tokio::time::timeout(LONGEST, read).await;
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(Incoming::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(body), Some(given_back)) = (self.body.take(), self.given_back.take()) {
            // Nobody waits any more when the connection is gone.
            let _ = given_back.send(body);
        }
    }
}
