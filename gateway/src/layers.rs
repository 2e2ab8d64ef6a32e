//! What stands in front of the proxy. Outermost to innermost:
//!
//! 1. **Request id**: every answer bears one, refusals too, so that a caller can quote it; the trace notes it.
//! 2. **Heads**: how many headers and how long a path; before anything looks at them.
//! 3. **Origins**: which web pages may call; their preflights carry no credential and end here.
//! 4. **Dialects** ([`crate::dialects`]): gRPC-Web, Connect and JSON become gRPC; what is none of them is turned away
//!    before anything is spent on it. Above the trace, which names calls by their gRPC path.
//! 5. **Trace** (foundation): sees every call and its final status, also of calls refused below.
//! 6. **Calls** (foundation): counts, times and logs them. Below the trace, whose decision it quotes.
//! 7. **Health**: probes have no credential, so they leave the way here.
//! 8. **Authentication**: before the method is looked up, so that without a token nobody learns which
//!    methods exist.
//! 9. **Find**: the method by its path, once for all that ask for its policy. Refuses nothing.
//! 10. **Audit**: behind authentication, since it needs to know who; outside of everything that can still refuse or end
//!     the call, since that is its outcome. A call gets its place in the trail here, before anything is done for it.
//! 11. **Limit** ([`crate::limits`]): rate, calls at a time, overload; its permit lives as long as the call. Before
//!     authorisation, since what is denied is written to the trail too: a flood of it must not become one there.
//! 12. **Authorisation**: by the policy of the method; what is below knows the method and that it may be called.
//! 13. **Lifetime**: ends a stream with its credential, its connection or the process. Outside of the deadline,
//!     which streams do not have.
//! 14. **Deadline**: our own timer, by the class of the method.
//! 15. **Messages**: innermost, as it looks at bytes, and nothing before it does.

use std::convert::Infallible;

use futures::future::BoxFuture;
use http::{HeaderValue, Response};
use rapport_foundation::error::Failure;
use rapport_foundation::telemetry::{AccessLog, CallsLayer, TraceLayer};
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceBuilder};

use crate::audit::Auditor;
use crate::auth::Authenticator;
use crate::config::{Deadlines, Limits};
use crate::dialects::DialectsLayer;
use crate::limits::Limiter;
use crate::policy::Policies;
use crate::protection::{Protection, Protections};
use crate::proxy::Proxy;

mod audit;
mod authenticate;
mod authorise;
mod cut;
mod deadline;
mod find;
mod heads;
mod health;
mod lifetime;
mod limit;
mod messages;
mod origins;
mod request_id;

/// What every layer answers with.
pub(crate) type Answer = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// The whole gateway behind its listener: bytes of a call in, bytes of an answer out.
pub type Front = BoxCloneSyncService<http::Request<Body>, Response<Body>, Infallible>;

/// What the layers are made from.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) authenticator: Authenticator,
    pub(crate) auditor: Auditor,
    pub(crate) policies: Policies,
    pub(crate) dialects: DialectsLayer,
    /// The web pages that may call.
    pub(crate) origins: Vec<HeaderValue>,
    pub(crate) health: health::HealthService,
    pub(crate) limiter: Limiter,
    /// Which calls are logged.
    pub(crate) access_log: AccessLog,
    pub(crate) lifetime: LifetimeSource,
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    pub(crate) protections: Protections,
}

pub(crate) use lifetime::{Leaving, LifetimeSource};

/// Puts the layers around the proxy.
pub(crate) fn front(parts: Parts, proxy: Proxy) -> Front {
    let protections = parts.protections;
    let (limits, none) = (&parts.limits, u64::from(u32::MAX));
    let limit = |one, limit: u32| protections.limit(one, limit.into(), none);
    let inner = ServiceBuilder::new()
        .layer(authenticate::AuthenticateLayer(parts.authenticator))
        .layer(find::FindLayer {
            policies: parts.policies,
            protections,
        })
        .layer(audit::AuditLayer {
            auditor: parts.auditor,
            protections,
        })
        .layer(limit::LimitLayer(parts.limiter))
        .layer(authorise::AuthoriseLayer(protections))
        .layer(lifetime::LifetimeLayer(parts.lifetime))
        .layer(deadline::DeadlineLayer {
            classes: parts.deadlines,
            protections,
        })
        .layer(messages::MessagesLayer {
            most_bytes: most_bytes(&parts.limits, protections),
        })
        .service(proxy);
    let outer = ServiceBuilder::new()
        .layer(request_id::RequestIdLayer)
        .layer(heads::HeadsLayer {
            most: limit(Protection::HeaderCount, limits.headers),
            longest: limit(Protection::PathLength, limits.path_bytes),
        })
        .option_layer(origins::layer(&parts.origins, protections))
        .layer(parts.dialects)
        .layer(TraceLayer::edge())
        .layer(CallsLayer::new(parts.access_log))
        .service(health::HealthLayer(parts.health).layer(inner));
    BoxCloneSyncService::new(outer)
}

/// Marks the answer to a call that no service has seen.
#[derive(Debug, Clone, Copy)]
struct NotHandedOn;

/// The largest message that is taken, in bytes.
pub(crate) fn most_bytes(limits: &Limits, protections: Protections) -> u32 {
    match protections.on(Protection::MessageSize) {
        true => limits.message_bytes,
        false => u32::MAX,
    }
}

/// An answer without body: headers that end the call (Trailers-Only), HTTP 200.
fn refuse(failure: impl Into<Failure>) -> Answer {
    let mut response = tonic::Status::from(failure.into()).into_http();
    response.extensions_mut().insert(NotHandedOn);
    Box::pin(std::future::ready(Ok(response)))
}
