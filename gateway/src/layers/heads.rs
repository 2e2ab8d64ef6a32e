//! How much a request may say before its body: a head is small, and whoever sends a large one wants something else.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tonic::body::Body;
use tower::Service;

use super::Answer;

#[derive(Clone, Copy)]
pub(super) struct HeadsLayer {
    /// Most headers.
    pub(super) most: u64,
    /// The longest path with its query, in bytes.
    pub(super) longest: u64,
}

impl<S> tower::Layer<S> for HeadsLayer {
    type Service = Heads<S>;

    fn layer(&self, inner: S) -> Heads<S> {
        Heads {
            inner,
            limits: *self,
        }
    }
}

#[derive(Clone)]
pub(super) struct Heads<S> {
    inner: S,
    limits: HeadsLayer,
}

impl HeadsLayer {
    fn admits(self, request: &Request<Body>) -> bool {
        let path = request.uri().path_and_query();
        let length = path.map_or(0, |path| path.as_str().len());
        request.headers().len() as u64 <= self.most && length as u64 <= self.longest
    }
}

impl<S> Service<Request<Body>> for Heads<S>
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
        if self.limits.admits(&request) {
            return Box::pin(self.inner.call(request));
        }
        // As plain HTTP: hyper answers a block of headers that is too large in the same way.
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Box::pin(std::future::ready(Ok(response)))
    }
}
