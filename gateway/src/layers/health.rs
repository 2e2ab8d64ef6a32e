//! `grpc.health.v1`, answered here and by nobody behind.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic_health::pb::health_server::HealthServer;
use tower::Service;

use super::Answer;

/// The health service of the process.
pub(crate) type HealthService = HealthServer<tonic_health::server::HealthService>;

/// `Check` only: `Watch` holds a stream open for whoever asks, without a credential.
const CHECK: &str = "/grpc.health.v1.Health/Check";

#[derive(Clone)]
pub(super) struct HealthLayer(pub(super) HealthService);

impl<S> tower::Layer<S> for HealthLayer {
    type Service = Health<S>;

    fn layer(&self, inner: S) -> Health<S> {
        Health {
            inner,
            health: self.0.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Health<S> {
    inner: S,
    health: HealthService,
}

impl<S> Service<Request<Body>> for Health<S>
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
        if request.uri().path() == CHECK {
            return Box::pin(self.health.call(request));
        }
        self.inner.call(request)
    }
}
