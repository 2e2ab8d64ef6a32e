//! How much?

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tonic::Code;
use tonic::body::Body;
use tower::Service;

use super::{Answer, refuse};
use crate::auth::Caller;
use crate::limits::{Asked, Limiter, Permit};
use crate::policy::Policies;
use crate::protection::Protections;

#[derive(Clone)]
pub(super) struct LimitLayer {
    pub(super) limiter: Limiter,
    pub(super) policies: Policies,
    pub(super) protections: Protections,
}

impl<S> tower::Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited {
            inner,
            parts: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Limited<S> {
    inner: S,
    parts: LimitLayer,
}

impl<S> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let LimitLayer {
            limiter,
            policies,
            protections,
        } = &self.parts;
        let method = policies.find(request.uri().path(), *protections);
        let (Some(caller), Some(method)) = (request.extensions().get::<Caller>(), method) else {
            // There is no such method, or it is reflection, which asks nobody behind us.
            return Box::pin(self.inner.call(request));
        };
        let mut permit = match limiter.admit(caller, method) {
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
            Ok(response.map(|body| held(body, permit)))
        })
    }
}

/// Whether an answer without body says that a part of the suite cannot keep up.
fn is_struggling(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_some_and(|status| {
        matches!(
            Code::from_bytes(status.as_bytes()),
            Code::DeadlineExceeded | Code::Unavailable | Code::ResourceExhausted
        )
    })
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

/// An answer that keeps its permit until its end.
fn held(body: Body, permit: Permit) -> Body {
    if http_body::Body::is_end_stream(&body) {
        return body;
    }
    Body::new(Held {
        body,
        permit: Some(permit),
    })
}

struct Held {
    body: Body,
    permit: Option<Permit>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        let ended = match &polled {
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
            Poll::Ready(Some(Err(_)) | None) => true,
            Poll::Pending => false,
        };
        if ended {
            this.permit = None;
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
