//! Response bodies that always end with a status.
//!
//! A broken connection or a panic in the middle of a stream would otherwise reach the caller as a
//! reset of its own connection, without a code it could act on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::body::Body;

use super::{local, network};
use crate::error::Failure;

/// A body of a server in this process: a panic in it becomes INTERNAL.
pub(crate) fn caught(inner: Body) -> Body {
    ending(inner, |_| local::panicked())
}

/// A body from the network: a lost connection becomes UNAVAILABLE.
pub(super) fn connected(inner: Body) -> Body {
    ending(inner, |error| match error {
        Some(status) => network::broken(&status),
        None => local::panicked(),
    })
}

fn ending(inner: Body, verdict: fn(Option<tonic::Status>) -> Failure) -> Body {
    if http_body::Body::is_end_stream(&inner) {
        return inner;
    }
    Body::new(Ending {
        inner: Some(inner),
        verdict,
    })
}

struct Ending {
    /// None once the body has ended.
    inner: Option<Body>,
    /// What to answer for an error, or for a panic.
    verdict: fn(Option<tonic::Status>) -> Failure,
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx)));
        let error = match polled {
            Ok(Poll::Ready(Some(Err(status)))) => Some(status),
            Ok(other) => return other,
            Err(_) => {
                tracing::error!("a handler panicked while it was answering");
                None
            }
        };
        this.inner = None;
        let mut trailers = HeaderMap::new();
        let status = tonic::Status::from((this.verdict)(error));
        Poll::Ready(Some(match status.add_header(&mut trailers) {
            Ok(()) => Ok(Frame::trailers(trailers)),
            Err(status) => Err(status),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}
