//! How a call ended, told once.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tonic::Code;
use tonic::body::Body;

/// Tells the code of an answer when its last byte has passed. An answer that nobody reads to its end was CANCELLED.
pub fn on_end(
    response: Response<Body>,
    told: impl FnOnce(Code) + Send + Unpin + 'static,
) -> Response<Body> {
    if let Some(code) = code(response.headers()) {
        told(code);
        return response;
    }
    response.map(|body| {
        Body::new(Watched {
            body,
            told: Some(told),
        })
    })
}

/// The code that these headers or trailers hold.
pub(super) fn code(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get("grpc-status")?;
    Some(Code::from_bytes(status.as_bytes()))
}

struct Watched<F: FnOnce(Code)> {
    body: Body,
    told: Option<F>,
}

impl<F: FnOnce(Code)> Watched<F> {
    fn tell(&mut self, code: Code) {
        if let Some(told) = self.told.take() {
            told(code);
        }
    }
}

impl<F: FnOnce(Code) + Unpin> http_body::Body for Watched<F> {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.tell(code(trailers).unwrap_or(Code::Unknown));
                }
            }
            Poll::Ready(Some(Err(status))) => this.tell(status.code()),
            // Without trailers the protocol knows no success.
            Poll::Ready(None) => this.tell(Code::Unknown),
            Poll::Pending => (),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F: FnOnce(Code)> Drop for Watched<F> {
    fn drop(&mut self) {
        self.tell(Code::Cancelled);
    }
}
