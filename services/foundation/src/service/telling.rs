//! Names what a call touched, in a trailer: for methods whose policy says that they touch personal data or are audited.

use std::collections::HashSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::{Frame, SizeHint};
use rapport_proto::touched::{Collector, noting};
use tonic::body::Body;
use tower::{Layer, Service};

use super::guard::{Answer, paths};
use crate::touched::{TRAILER, Touched};

/// The methods whose calls are written to the audit trail.
static TOLD: LazyLock<HashSet<String>> =
    LazyLock::new(|| paths(|policy| policy.personal_data || policy.audited));

#[derive(Clone, Copy)]
pub(super) struct TellingLayer;

impl<S> Layer<S> for TellingLayer {
    type Service = Telling<S>;

    fn layer(&self, inner: S) -> Telling<S> {
        Telling(inner)
    }
}

#[derive(Clone)]
pub(super) struct Telling<S>(S);

impl<S> Service<Request<Body>> for Telling<S>
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
        if !TOLD.contains(request.uri().path()) {
            return Box::pin(self.0.call(request));
        }
        let mut notes = Notes(Some(Box::new(Touched::default())));
        let mut call = Box::pin(notes.during(|| self.0.call(request)));
        Box::pin(async move {
            let step = std::future::poll_fn(|cx| notes.during(|| call.as_mut().poll(cx)));
            let mut response = step.await?;
            // An answer that is nothing but a status has no trailers: its headers are.
            if response.headers().contains_key(tonic::Status::GRPC_STATUS) {
                notes.tell(response.headers_mut());
                return Ok(response);
            }
            Ok(response.map(|body| Body::new(Told { body, notes })))
        })
    }
}

/// What a call has named until now.
struct Notes(Option<Box<dyn Collector>>);

impl Notes {
    fn during<R>(&mut self, step: impl FnOnce() -> R) -> R {
        noting(&mut self.0, step)
    }

    fn tell(&mut self, trailers: &mut HeaderMap) {
        let Some(notes) = self.0.take() else {
            return;
        };
        let notes: Box<dyn std::any::Any> = notes;
        if let Ok(touched) = notes.downcast::<Touched>() {
            // The replica that a call was handed on to has named it already.
            let trailer = trailers.entry(HeaderName::from_static(TRAILER));
            trailer.or_insert_with(|| touched.header());
        }
    }
}

/// An answer whose messages are written while it is read.
struct Told {
    body: Body,
    notes: Notes,
}

impl http_body::Body for Told {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let Told { body, notes } = &mut *self;
        let mut polled = notes.during(|| Pin::new(body).poll_frame(cx));
        if let Poll::Ready(Some(Ok(frame))) = &mut polled
            && let Some(trailers) = frame.trailers_mut()
        {
            notes.tell(trailers);
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
mod tests;
