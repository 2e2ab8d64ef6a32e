//! One tower layer for both sides of a call: the gateway, services and in-process channels use it alike.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::body::Body;
use tracing::Instrument as _;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::carrier::{Incoming, Outgoing};
use super::{REQUEST_ID, outcome, sampling};
use crate::error::code_name;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
    Edge,
}

/// Makes a span of every call and carries the trace context across it.
#[derive(Debug, Clone, Copy)]
pub struct TraceLayer(Side);

impl TraceLayer {
    /// For what receives calls: continues the caller's trace.
    pub fn server() -> Self {
        TraceLayer(Side::Server)
    }

    /// For where calls enter: the same for those that are kept; the others pass without a span and carry on what was
    /// decided.
    pub fn edge() -> Self {
        TraceLayer(Side::Edge)
    }

    /// For what makes calls: a child of the current span, whose context goes into the headers.
    pub fn client() -> Self {
        TraceLayer(Side::Client)
    }
}

impl<S> tower::Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced {
            inner,
            side: self.0,
        }
    }
}

/// What [`TraceLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct Traced<S> {
    inner: S,
    side: Side,
}

impl<S> tower::Service<Request<Body>> for Traced<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let dropped = match self.side {
            Side::Edge => !sampling::decide(request.headers_mut()),
            Side::Client => sampling::is_dropped(request.headers()),
            // Its lines in the log belong together even so.
            Side::Server => false,
        };
        if dropped {
            return Box::pin(self.inner.call(request));
        }
        let span = span(self.side, &request);
        match self.side {
            Side::Server | Side::Edge => continue_trace(&span, request.headers()),
            Side::Client => pass_on(&span, request.headers_mut()),
        }
        let call = span.in_scope(|| self.inner.call(request));
        if span.is_disabled() {
            return Box::pin(call);
        }
        Box::pin(
            async move {
                let response = call.await?;
                let span = Span::current();
                if record(&span, response.headers()) {
                    return Ok(response);
                }
                Ok(response.map(|body| {
                    Body::new(Watched {
                        body,
                        span: Some(span),
                    })
                }))
            }
            .instrument(span),
        )
    }
}

/// The longest method name that is shown. Ours are shorter; what is longer was made up by a caller.
const LONGEST_NAME: usize = 128;

fn span(side: Side, request: &Request<Body>) -> Span {
    // Current semantic conventions: the fully qualified method, and its name as the span's name.
    let method = request.uri().path().trim_start_matches('/');
    let method = if method.len() > LONGEST_NAME {
        "_OTHER"
    } else {
        method
    };
    if side == Side::Client {
        return tracing::info_span!(
            "client",
            otel.name = method,
            otel.kind = "client",
            rpc.system.name = "grpc",
            rpc.method = method,
        );
    }
    // The gateway makes it or checks its form before it comes here.
    let id = request.headers().get(REQUEST_ID);
    tracing::info_span!(
        "server",
        otel.name = method,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = method,
        request_id = id.and_then(|id| id.to_str().ok()),
    )
}

fn continue_trace(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Incoming(headers));
    // Only a span that was started already refuses, and this one has not been entered yet.
    if parent.span().span_context().is_valid() && span.set_parent(parent).is_err() {
        tracing::debug!("the caller's trace could not be continued");
    }
}

/// Without a trace of our own the headers stay as they are, so that a caller's trace goes through.
fn pass_on(span: &Span, headers: &mut HeaderMap) {
    let context = span.context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut Outgoing(headers));
    }
}

/// Notes the status if these headers hold one, and says whether they did.
fn record(span: &Span, headers: &HeaderMap) -> bool {
    let code = outcome::code(headers);
    if let Some(code) = code {
        tell(span, code);
    }
    code.is_some()
}

/// As an attribute of the trace alone: a field that is filled in later makes the log write the whole span anew.
fn tell(span: &Span, code: tonic::Code) {
    span.set_attribute("rpc.response.status_code", code_name(code));
    if code != tonic::Code::Ok {
        span.set_status(Status::error(""));
    }
}

/// Keeps the span open until the trailers have passed.
struct Watched {
    body: Body,
    span: Option<Span>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let polled = match &this.span {
            Some(span) => span.in_scope(|| Pin::new(&mut this.body).poll_frame(cx)),
            None => Pin::new(&mut this.body).poll_frame(cx),
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref()
                    && let Some(span) = this.span.take()
                {
                    record(&span, trailers);
                }
            }
            Poll::Ready(None) => this.span = None,
            Poll::Ready(Some(Err(_))) | Poll::Pending => (),
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

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.set_attribute(
                "rpc.response.status_code",
                code_name(tonic::Code::Cancelled),
            );
        }
    }
}
