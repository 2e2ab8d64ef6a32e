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

use super::local;

/// A body of a server in this process: a panic in it becomes INTERNAL.
pub(crate) fn caught(inner: Body) -> Body {
    if http_body::Body::is_end_stream(&inner) {
        return inner;
    }
    Body::new(Ending { inner: Some(inner) })
}

struct Ending {
    /// None once the body has ended.
    inner: Option<Body>,
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
        match polled {
            Ok(Poll::Ready(Some(Err(_)))) => (),
            Ok(other) => return other,
            Err(_) => tracing::error!("a handler panicked while it was answering"),
        }
        this.inner = None;
        let mut trailers = HeaderMap::new();
        let status = tonic::Status::from(local::panicked());
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
