//! How long a stream may live: not longer than its token, its connection, and the process serves.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use rapport_foundation::error::Failure;
use rapport_foundation::time::{Clock, Micros};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::Service;

use super::{Answer, cut};
use crate::auth::Caller;
use crate::error::Rejection;
use crate::protection::{Protection, Protections};
use crate::proxy::Target;

/// What ends streams.
#[derive(Clone)]
pub(crate) struct LifetimeSource {
    pub(crate) clock: Clock,
    pub(crate) shutdown: CancellationToken,
    pub(crate) protections: Protections,
}

/// Says in the extensions of a request when its connection takes its leave.
#[derive(Debug, Clone)]
pub(crate) struct Leaving(pub(crate) CancellationToken);

#[derive(Clone)]
pub(super) struct LifetimeLayer(pub(super) LifetimeSource);

impl<S> tower::Layer<S> for LifetimeLayer {
    type Service = Lifetime<S>;

    fn layer(&self, inner: S) -> Lifetime<S> {
        Lifetime {
            inner,
            source: self.0.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Lifetime<S> {
    inner: S,
    source: LifetimeSource,
}

impl LifetimeSource {
    fn end(&self, expires: Micros, leaving: Option<Leaving>) -> BoxFuture<'static, Failure> {
        let LifetimeSource {
            clock,
            shutdown,
            protections,
        } = self.clone();
        let ends = protections.on(Protection::StreamExpiry);
        Box::pin(async move {
            let left = async {
                match leaving {
                    Some(Leaving(leaving)) => leaving.cancelled_owned().await,
                    // A call without a socket.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = clock.sleep_until(expires), if ends => Rejection::TokenEnded.into(),
                () = left => Rejection::ConnectionAged.into(),
                () = shutdown.cancelled_owned() => Rejection::Stopping.into(),
            }
        })
    }
}

impl<S> Service<Request<Body>> for Lifetime<S>
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
        let extensions = request.extensions();
        let streams = match extensions.get::<Target>() {
            Some(Target::Method(method)) => method.streaming,
            Some(Target::Reflection) => true,
            None => false,
        };
        let expires = extensions
            .get::<Caller>()
            .filter(|_| streams)
            .map(|caller| caller.expires);
        let Some(expires) = expires else {
            // A call with one answer is over long before; its deadline ends it.
            return Box::pin(self.inner.call(request));
        };
        let leaving = extensions.get::<Leaving>().cloned();
        let mut end = self.source.end(expires, leaving);
        let call = self.inner.call(request);
        Box::pin(async move {
            tokio::select! {
                answer = call => answer.map(|response| response.map(|body| cut::cut(body, end))),
                failure = &mut end => Ok(tonic::Status::from(failure).into_http()),
            }
        })
    }
}
