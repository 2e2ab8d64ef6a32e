//! What stands in front of the proxy. Outermost to innermost:
//!
//! 1. **Request id**: every answer bears one, refusals too, so that a caller can quote it; the trace notes it.
//! 2. **Origins**: which web pages may call; their preflights carry no credential and end here.
//! 3. **Dialects** ([`crate::dialects`]): gRPC-Web, Connect and JSON become gRPC; what is none of them is turned away
//!    before anything is spent on it. Above the trace, which names calls by their gRPC path.
//! 4. **Trace** (foundation): sees every call and its final status, also of calls refused below.
//! 5. **Health**: probes have no credential, so they leave the way here.
//! 6. **Authentication**: before the method is looked up, so that without a token nobody learns which
//!    methods exist.
//! 7. **Authorisation**: finds the method and its policy; what is below knows both.
//! 8. **Lifetime**: ends a stream with its credential or with the process. Outside of the deadline, which streams
//!    do not have.
//! 9. **Deadline**: our own timer, by the class of the method.
//! 10. **Messages**: innermost, as it looks at bytes, and nothing before it does.
//!
//! Limits by rate and concurrency belong between 7 and 8: they need the principal and the class.

use std::convert::Infallible;

use futures::future::BoxFuture;
use http::{HeaderValue, Response};
use rapport_foundation::error::Failure;
use rapport_foundation::telemetry::TraceLayer;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceBuilder};

use crate::auth::Authenticator;
use crate::config::{Deadlines, Limits};
use crate::dialects::DialectsLayer;
use crate::policy::Policies;
use crate::proxy::Proxy;

mod authenticate;
mod authorise;
mod cut;
mod deadline;
mod health;
mod lifetime;
mod messages;
mod origins;
mod request_id;

/// What every layer answers with.
type Answer = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// The whole gateway behind its listener: bytes of a call in, bytes of an answer out.
pub type Front = BoxCloneSyncService<http::Request<Body>, Response<Body>, Infallible>;

/// What the layers are made from.
pub(crate) struct Parts {
    pub(crate) authenticator: Authenticator,
    pub(crate) policies: Policies,
    pub(crate) dialects: DialectsLayer,
    /// The web pages that may call.
    pub(crate) origins: Vec<HeaderValue>,
    pub(crate) health: health::HealthService,
    pub(crate) lifetime: LifetimeSource,
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    /// Whether reflection may be called by whoever has a valid token.
    pub(crate) reflection: bool,
}

pub(crate) use lifetime::LifetimeSource;

/// Puts the layers around the proxy.
pub(crate) fn front(parts: Parts, proxy: Proxy) -> Front {
    let inner = ServiceBuilder::new()
        .layer(authenticate::AuthenticateLayer(parts.authenticator))
        .layer(authorise::AuthoriseLayer {
            policies: parts.policies,
            reflection: parts.reflection,
        })
        .layer(lifetime::LifetimeLayer(parts.lifetime))
        .layer(deadline::DeadlineLayer(parts.deadlines))
        .layer(messages::MessagesLayer {
            most_bytes: parts.limits.message_bytes,
        })
        .service(proxy);
    let outer = ServiceBuilder::new()
        .layer(request_id::RequestIdLayer)
        .option_layer(origins::layer(&parts.origins))
        .layer(parts.dialects)
        .layer(TraceLayer::server())
        .service(health::HealthLayer(parts.health).layer(inner));
    BoxCloneSyncService::new(outer)
}

/// An answer without body: headers that end the call (Trailers-Only), HTTP 200.
fn refuse(failure: impl Into<Failure>) -> Answer {
    let response = tonic::Status::from(failure.into()).into_http();
    Box::pin(std::future::ready(Ok(response)))
}
