//! A way with a tower layer around it.

use http::{Request, Response};
use tonic::body::Body;
use tower::{BoxError, Layer, Service};

use super::{Answer, Channel, Way};

pub(super) struct Layered<L: Layer<Channel>> {
    layer: L,
    inner: Channel,
    service: L::Service,
}

impl<L: Layer<Channel>> Layered<L> {
    pub(super) fn new(inner: Channel, layer: L) -> Self {
        Layered {
            service: layer.layer(inner.clone()),
            inner,
            layer,
        }
    }
}

impl<L> Way for Layered<L>
where
    L: Layer<Channel> + Clone + Send + Sync + 'static,
    L::Service: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    fn call(&self, request: Request<Body>) -> Answer {
        // What is around a channel is as ready as the channel, which always is.
        Box::pin(self.service.clone().call(request))
    }

    fn again(&self) -> Option<Channel> {
        let inner = self.inner.0.again()?;
        Some(Channel::of(Layered::new(inner, self.layer.clone())))
    }
}
