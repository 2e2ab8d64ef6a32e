//! An answer from the network: it always ends with a status, and it counts as outstanding until then.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tokio::task::AbortHandle;
use tonic::body::Body;

use super::endpoint::Ticket;
use super::exchange::Sent;
use super::unavailable;

/// Stands in the head of an answer that says nothing against who gives it: what is unavailable is another replica, to which
/// the call would have been handed on. It does not leave the suite.
pub const ELSEWHERE: &str = "x-rapport-elsewhere";

/// The rest of a request, which is sent while its answer is read. Dropping it ends the sending.
pub(super) struct Rest(pub(super) AbortHandle);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The head of an answer has come.
pub(super) fn received(
    mut response: Response<RecvStream>,
    mut ticket: Ticket,
    rest: Option<Rest>,
) -> Sent {
    let unavailable = is_unavailable(response.headers());
    let elsewhere = response.headers_mut().remove(ELSEWHERE).is_some();
    ticket.answered(!unavailable || elsewhere);
    let (parts, stream) = response.into_parts();
    let body = match stream.is_end_stream() {
        true => Body::empty(),
        false => Body::new(Incoming {
            stream,
            call: Some((ticket, rest)),
        }),
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.version_mut() = parts.version;
    *response.headers_mut() = parts.headers;
    Sent::Answered {
        response,
        unavailable,
    }
}

fn is_unavailable(headers: &HeaderMap) -> bool {
    headers
        .get("grpc-status")
        .is_some_and(|status| status == "14")
}

struct Incoming {
    stream: RecvStream,
    /// None once it has ended.
    call: Option<(Ticket, Option<Rest>)>,
}

impl Incoming {
    /// The connection broke. Without a status the caller would see its own stream reset.
    fn broken(&mut self, error: &h2::Error) -> Option<Result<Frame<Bytes>, tonic::Status>> {
        tracing::warn!(%error, "the connection to a service broke");
        if let Some((mut ticket, _)) = self.call.take() {
            ticket.failed();
        }
        let mut trailers = HeaderMap::new();
        let status = tonic::Status::from(unavailable());
        Some(match status.add_header(&mut trailers) {
            Ok(()) => Ok(Frame::trailers(trailers)),
            Err(status) => Err(status),
        })
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        if this.call.is_none() {
            return Poll::Ready(None);
        }
        match ready!(this.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                // Whoever takes it has room for it.
                let _ = this.stream.flow_control().release_capacity(data.len());
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            Some(Err(error)) => return Poll::Ready(this.broken(&error)),
            None => (),
        }
        Poll::Ready(match ready!(this.stream.poll_trailers(cx)) {
            // Its status says nothing about the replica: streams end with UNAVAILABLE by their age, for instance.
            Ok(trailers) => {
                this.call = None;
                trailers.map(|trailers| Ok(Frame::trailers(trailers)))
            }
            Err(error) => this.broken(&error),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.call.is_none() || self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
