//! How much?

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use rapport_foundation::telemetry::on_end;
use tonic::Code;
use tonic::body::Body;
use tonic_types::StatusExt as _;
use tower::Service;

use super::find::Found;
use super::{Answer, refuse};
use crate::limits::{Asked, Limiter};

/// The reasons with which a part of the suite says that it cannot keep up, or is not there.
const STRUGGLING: [&str; 2] = ["OVERLOADED", "SERVICE_UNREACHABLE"];

#[derive(Clone)]
pub(super) struct LimitLayer(pub(super) Limiter);

impl<S> tower::Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited {
            inner,
            limiter: self.0.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Limited<S> {
    inner: S,
    limiter: Limiter,
}

impl<S> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let extensions = request.extensions();
        let (Some(caller), Some(Found(method))) = (extensions.get(), extensions.get()) else {
            // There is no such method; what is behind says so.
            return self.inner.call(request);
        };
        let mut permit = match self.limiter.admit(caller, method) {
            Ok(permit) => permit,
            Err(rejection) => return refuse(rejection),
        };
        let request = match permit.asked() {
            Some(asked) => request.map(|body| Body::new(Question { body, asked })),
            None => request,
        };
        let call = self.inner.call(request);
        Box::pin(async move {
            let response = call.await?;
            permit.answered(is_struggling(response.headers()));
            // Held until the last byte.
            Ok(on_end(response, move |_| drop(permit)))
        })
    }
}

/// Whether an answer without body says that a part of the suite cannot keep up. The code alone does not say it: a tight
/// deadline of the caller's own, or a limit of one tenant, would shut out everybody else.
fn is_struggling(headers: &HeaderMap) -> bool {
    let Some(status) = tonic::Status::from_header_map(headers) else {
        return false;
    };
    let shed = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted);
    shed && status
        .get_details_error_info()
        .is_some_and(|info| STRUGGLING.contains(&info.reason.as_str()))
}

/// A question that says when it has been handed on.
struct Question {
    body: Body,
    asked: Asked,
}

impl http_body::Body for Question {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || this.body.is_end_stream() {
            this.asked.now();
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use futures::stream;
    use http_body::Body as _;
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use rapport_foundation::error::{Code, Failure};
    use tonic::Status;

    use super::*;

    #[test]
    fn a_part_struggles_when_both_its_code_and_its_reason_say_so() {
        let struggling = |status: Status| {
            let mut headers = HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            is_struggling(&headers)
        };
        for (code, reason, expected) in [
            (Code::ResourceExhausted, "OVERLOADED", true),
            (Code::Unavailable, "SERVICE_UNREACHABLE", true),
            (Code::ResourceExhausted, "RATE_EXCEEDED", false),
            (Code::Unavailable, "ACCESS_STALE", false),
            (Code::Aborted, "OVERLOADED", false),
            (Code::NotFound, "SERVICE_UNREACHABLE", false),
        ] {
            let status = Failure::new(code, reason, "It says so.").into();
            assert_eq!(struggling(status), expected, "{code:?} {reason}");
        }
        assert!(!struggling(Status::unavailable("without a reason")));
        assert!(!struggling(Status::new(tonic::Code::Ok, "")));
        assert!(!is_struggling(&HeaderMap::new()), "the answer has a body");
    }

    fn question(body: Body) -> (Question, Asked) {
        let asked = Asked::default();
        let question = Question {
            body,
            asked: asked.clone(),
        };
        (question, asked)
    }

    #[tokio::test]
    async fn a_question_of_known_length_is_asked_with_its_last_byte() {
        let (mut question, asked) = question(Body::new(Full::new(Bytes::from_static(b"hello"))));
        assert_eq!(question.size_hint().exact(), Some(5));
        assert!(!question.is_end_stream() && !asked.is_told());
        let frame = question.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "hello");
        // Whoever sends it on need not ask again.
        assert!(question.is_end_stream() && asked.is_told());
    }

    #[tokio::test]
    async fn a_question_that_does_not_know_its_end_is_asked_when_nothing_follows() {
        let parts = ["a", "b"].map(|part| Ok::<_, Status>(Frame::data(Bytes::from(part))));
        let (mut question, asked) = question(Body::new(StreamBody::new(stream::iter(parts))));
        for _ in 0..2 {
            assert!(question.frame().await.is_some());
            assert!(!question.is_end_stream() && !asked.is_told());
        }
        assert!(question.frame().await.is_none());
        assert!(asked.is_told());
    }
}
