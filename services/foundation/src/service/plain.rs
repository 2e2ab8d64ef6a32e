//! What the gRPC library answers by itself, in our words. It tells which field of a request could not be read, and its
//! codes for it are those of a broken server and of an index beyond its end (INTERNAL, OUT_OF_RANGE).
//!
//! Every status of ours carries details, so one without is the library's.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::guard::Answer;
use crate::error::{Code, Failure};

#[derive(Clone, Copy)]
pub(super) struct PlainLayer;

impl<S> Layer<S> for PlainLayer {
    type Service = Plain<S>;

    fn layer(&self, inner: S) -> Plain<S> {
        Plain(inner)
    }
}

#[derive(Clone)]
pub(super) struct Plain<S>(S);

/// Our words for an answer of the library's.
fn ours(headers: &HeaderMap) -> Option<Failure> {
    if headers.contains_key("grpc-status-details-bin") {
        return None;
    }
    match headers.get("grpc-status")?.as_bytes() {
        b"13" => Some(Failure::new(
            Code::InvalidArgument,
            "MALFORMED_REQUEST",
            "The request is not a message of this method.",
        )),
        b"11" => Some(
            Failure::new(
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
                "A message is larger than is taken.",
            )
            .without_retry(),
        ),
        _ => None,
    }
}

impl<S> Service<Request<Body>> for Plain<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let call = self.0.call(request);
        Box::pin(async move {
            let response = call.await?;
            Ok(match ours(response.headers()) {
                Some(failure) => tonic::Status::from(failure).into_http(),
                None => response,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_library_says_is_said_anew() {
        let told = |status: tonic::Status| {
            let failure = ours(status.into_http::<Body>().headers())?;
            Some(tonic::Status::from(failure).code())
        };
        let library = tonic::Status::internal("failed to decode Protobuf message: Customer.name");
        assert_eq!(told(library), Some(tonic::Code::InvalidArgument));
        let library = tonic::Status::out_of_range("decoded message length too large");
        assert_eq!(told(library), Some(tonic::Code::ResourceExhausted));
        let own = Failure::new(Code::Internal, "INTERNAL", "Something went wrong.");
        assert_eq!(told(own.into()), None);
        let own = Failure::new(Code::OutOfRange, "CURSOR_AHEAD", "Too far.");
        assert_eq!(told(own.into()), None);
        assert_eq!(told(tonic::Status::unimplemented("gzip")), None);
    }
}
