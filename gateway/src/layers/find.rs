//! Which method?

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tower::Service;

use crate::policy::{Method, Policies};
use crate::protection::Protections;

/// The method that a call names, in its extensions. Nothing follows from it: whether it may be called is decided below.
#[derive(Debug, Clone)]
pub(super) struct Found(pub(super) Arc<Method>);

#[derive(Clone)]
pub(super) struct FindLayer {
    pub(super) policies: Policies,
    pub(super) protections: Protections,
}

impl<S> tower::Layer<S> for FindLayer {
    type Service = Finding<S>;

    fn layer(&self, inner: S) -> Finding<S> {
        Finding {
            inner,
            table: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Finding<S> {
    inner: S,
    table: FindLayer,
}

impl<S> Service<Request<Body>> for Finding<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        let FindLayer {
            policies,
            protections,
        } = &self.table;
        if let Some(method) = policies.find(request.uri().path(), *protections) {
            request.extensions_mut().insert(Found(Arc::clone(method)));
        }
        self.inner.call(request)
    }
}
