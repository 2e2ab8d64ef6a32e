//! An answer that is ended from outside with a status of its own.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use rapport_foundation::error::Failure;
use tonic::body::Body;

/// A stream that always has something ready would never be seen waiting, so its end is looked at this often.
const FRAMES_BETWEEN_LOOKS: u32 = 64;

/// Ends a body with trailers once `end` is there; what was still to come is dropped, and with it the call.
pub(super) fn cut(body: Body, end: BoxFuture<'static, Failure>) -> Body {
    if http_body::Body::is_end_stream(&body) {
        return body;
    }
    Body::new(Cut {
        body: Some(body),
        end,
        frames: 0,
    })
}

struct Cut {
    /// None once the end was told.
    body: Option<Body>,
    end: BoxFuture<'static, Failure>,
    frames: u32,
}

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let Some(body) = this.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        this.frames = this.frames.wrapping_add(1);
        if polled.is_ready() && !this.frames.is_multiple_of(FRAMES_BETWEEN_LOOKS) {
            return polled;
        }
        let Poll::Ready(failure) = this.end.as_mut().poll(cx) else {
            return polled;
        };
        // A frame taken a moment ago is lost with the rest: the call is over.
        this.body = None;
        let mut trailers = HeaderMap::new();
        let status = tonic::Status::from(failure);
        Poll::Ready(Some(match status.add_header(&mut trailers) {
            Ok(()) => Ok(Frame::trailers(trailers)),
            Err(status) => Err(status),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::convert::Infallible;

    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;
    use crate::error::Rejection;

    fn body(
        frames: impl futures::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static,
    ) -> Body {
        Body::new(StreamBody::new(frames))
    }

    async fn status_of(body: Body) -> Option<String> {
        let trailers = body.collect().await.unwrap().trailers().cloned()?;
        Some(trailers.get("grpc-status")?.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_silent_body_and_one_that_never_rests_are_both_ended() {
        let frame = || Ok(Frame::data(Bytes::from_static(b"x")));
        let ready = || -> BoxFuture<'static, Failure> {
            Box::pin(std::future::ready(Failure::from(Rejection::TokenEnded)))
        };
        let silent = body(futures::stream::pending());
        assert_eq!(status_of(cut(silent, ready())).await.as_deref(), Some("16"));
        let busy = body(futures::stream::repeat_with(frame));
        assert_eq!(status_of(cut(busy, ready())).await.as_deref(), Some("16"));
    }

    #[tokio::test]
    async fn a_body_that_ends_first_keeps_its_own_end() {
        let never = Box::pin(std::future::pending());
        let body = body(futures::stream::iter([Ok(Frame::data(
            Bytes::from_static(b"x"),
        ))]));
        assert_eq!(status_of(cut(body, never)).await, None);
    }
}
