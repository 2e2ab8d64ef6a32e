//! One client over the network or over a neighbour's server in this process.
//!
//! Topology is wiring: a generated client takes a [`Channel`] and cannot tell which kind it holds.
//! The in-process kind does for itself what a socket would have done, so that nothing works embedded
//! that would not work split.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, Service};

use crate::tls::ClientTls;

mod body;
mod caller;
mod late;
mod layered;
mod local;
mod network;

pub(crate) use body::caught;
pub use caller::Caller;
pub use late::{Late, Neighbours};
pub(crate) use local::panicked;
pub use network::{ELSEWHERE, InvalidUrl, PoolConfig, Retry, Tls};

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// A way to a gRPC server. Cheap to clone; every clone leads to the same server.
#[derive(Clone)]
pub struct Channel(Arc<dyn Way>);

/// What a channel leads over.
trait Way: Send + Sync {
    fn call(&self, request: Request<Body>) -> Answer;

    /// The same way with connections of its own; None when it has none.
    fn again(&self) -> Option<Channel>;
}

impl Channel {
    /// The way to a server in this process, `tonic::service::Routes` or what layers make of them.
    /// Each call runs in a task of its own; its panic is INTERNAL, dropping the call ends it.
    pub fn local<S>(server: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Channel::of(local::Local::new(server))
    }

    /// The way to a server at `http://host:port` or `https://host:port`. Connects on first use and again
    /// whenever the connection was lost; must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address is no URL of that form, or `https` without usable TLS settings.
    pub fn connect(url: &str, tls: Option<&Tls>) -> Result<Self, InvalidUrl> {
        Ok(Channel::of(network::Network::new(url, tls)?))
    }

    /// The way to the replicas of a service, at these URLs and at every address their hosts resolve to. Connects on
    /// first use; must be called inside a tokio runtime. Whoever opened `tls` keeps it fresh.
    ///
    /// # Errors
    /// When there is no address, one is no URL of the form `http://host:port`, or its scheme does not fit `tls`.
    pub fn pool(
        urls: &[String],
        tls: Option<&ClientTls>,
        config: &PoolConfig,
    ) -> Result<Self, InvalidUrl> {
        Ok(Channel::of(network::Network::pool(urls, tls, config)?))
    }

    /// A way whose far end is told later; until then calls are UNAVAILABLE.
    pub fn late() -> (Self, Late) {
        let late = Late::default();
        (late.channel(), late)
    }

    /// The same way for another runtime, or another part of the process that should not share connections with the
    /// rest: they are opened where the first call on them is made.
    #[must_use]
    pub fn again(&self) -> Self {
        self.0.again().unwrap_or_else(|| self.clone())
    }

    /// The same way with a tower layer around it.
    pub fn layered<L>(self, layer: &L) -> Self
    where
        L: tower::Layer<Channel> + Clone + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        Channel::of(layered::Layered::new(self, layer.clone()))
    }

    /// Whether a server answers at the other end, be it to say that it is not well. Waits for as long as the caller does.
    pub async fn answers(&self) -> bool {
        let mut health = HealthClient::new(self.clone());
        match health.check(HealthCheckRequest::default()).await {
            Ok(_) => true,
            Err(status) => status.code() != tonic::Code::Unavailable,
        }
    }

    fn of(way: impl Way + 'static) -> Self {
        Channel(Arc::new(way))
    }

    /// One call.
    pub fn once(&self, request: Request<Body>) -> Answer {
        self.0.call(request)
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Whoever answers is found and made ready inside the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        self.0.call(request)
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Channel")
    }
}

#[cfg(test)]
mod tests;
