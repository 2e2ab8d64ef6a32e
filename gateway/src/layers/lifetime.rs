//! How long a stream may live: not longer than its credential is good for, than its connection, and than the process serves.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use rapport_foundation::error::Failure;
use rapport_foundation::time::Clock;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::Service;

use super::authorise::permit;
use super::{Answer, cut};
use crate::auth::{Authenticator, Caller};
use crate::directory::Directory;
use crate::error::Rejection;
use crate::protection::{Protection, Protections};
use crate::proxy::Target;

/// What ends streams.
#[derive(Clone)]
pub(crate) struct LifetimeSource {
    pub(crate) clock: Clock,
    pub(crate) shutdown: CancellationToken,
    pub(crate) authenticator: Authenticator,
    pub(crate) directory: Directory,
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
    fn end(
        &self,
        caller: Caller,
        target: Target,
        leaving: Option<Leaving>,
    ) -> BoxFuture<'static, Failure> {
        let this = self.clone();
        // From now on every change is seen; what changed since the caller was let in is looked at first.
        let mut changes = this.directory.changes();
        Box::pin(async move {
            let left = async {
                match leaving {
                    Some(Leaving(leaving)) => leaving.cancelled_owned().await,
                    // A call without a socket.
                    None => std::future::pending().await,
                }
            };
            let mut left = std::pin::pin!(left);
            let mut caller = caller;
            let ends = this.protections.on(Protection::StreamExpiry);
            loop {
                match this.again(&caller, &target) {
                    Some(again) => caller = again,
                    None if ends => return this.authenticator.why_ended().into(),
                    None => (),
                }
                tokio::select! {
                    () = this.clock.sleep_until(caller.expires), if ends => return Rejection::TokenEnded.into(),
                    () = &mut left => return Rejection::ConnectionAged.into(),
                    () = this.shutdown.cancelled() => return Rejection::Stopping.into(),
                    // The directory is there as long as we are.
                    _ = changes.changed() => (),
                }
            }
        })
    }

    /// The caller, if they would be let in to the same place now.
    fn again(&self, caller: &Caller, target: &Target) -> Option<Caller> {
        let caller = self.authenticator.again(caller).ok()?;
        permit(&caller, &target.0, self.protections).ok()?;
        Some(caller)
    }
}

impl<S> Service<Request<Body>> for Lifetime<S>
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
        let target = extensions.get::<Target>();
        let target = target.filter(|Target(method)| method.streaming);
        let Some((caller, target)) = extensions.get::<Caller>().zip(target) else {
            // A call with one answer is over long before; its deadline ends it.
            return self.inner.call(request);
        };
        let leaving = extensions.get::<Leaving>().cloned();
        let mut end = self.source.end(caller.clone(), target.clone(), leaving);
        let call = self.inner.call(request);
        Box::pin(async move {
            tokio::select! {
                answer = call => answer.map(|response| response.map(|body| cut::cut(body, end))),
                failure = &mut end => Ok(tonic::Status::from(failure).into_http()),
            }
        })
    }
}
