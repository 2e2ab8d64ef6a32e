//! Who calls.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use rapport_foundation::telemetry::CallOf;
use tonic::body::Body;
use tower::Service;

use super::{Answer, refuse};
use crate::accept::Client;
use crate::auth::{Authenticator, PeerCertificate};

#[derive(Clone)]
pub(super) struct AuthenticateLayer(pub(super) Authenticator);

impl<S> tower::Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate {
            inner,
            authenticator: self.0.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Authenticate<S> {
    inner: S,
    authenticator: Authenticator,
}

impl<S> Service<Request<Body>> for Authenticate<S>
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

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        // A reject never reads the body.
        let peer = request.extensions().get::<Arc<PeerCertificate>>();
        let client = request.extensions().get::<Client>().copied();
        let authenticator = &self.authenticator;
        match authenticator.authenticate(request.headers(), peer, client) {
            Ok(caller) => {
                let whose = CallOf(caller.context.tenant);
                request.extensions_mut().insert(caller);
                let call = self.inner.call(request);
                Box::pin(async move {
                    let mut response = call.await?;
                    response.extensions_mut().insert(whose);
                    Ok(response)
                })
            }
            Err(rejection) => refuse(rejection),
        }
    }
}
