//! Bytes to the service and back. Nothing is decoded: frames, trailers and backpressure follow by themselves.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONNECTION, COOKIE, FORWARDED, HOST, PROXY_AUTHORIZATION, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use rapport_foundation::channel::{Channel, Neighbours, Retry};
use rapport_foundation::context::{self, Signer};
use rapport_foundation::deadline;
use rapport_foundation::error::Failure;
use rapport_foundation::role::Role;
use rapport_foundation::telemetry::TraceLayer;
use tonic::body::Body;
use tower::Service;

use crate::auth::{API_KEY, Caller};
use crate::error::Rejection;
use crate::policy::Method;
use crate::protection::{Protection, Protections};

/// Identity is ours to state. What callers say about it, or about where they come from, goes no further.
const STRIPPED_PREFIXES: [&str; 2] = ["x-rapport-", "x-forwarded-"];

/// The method of an authorised call.
#[derive(Debug, Clone)]
pub(crate) struct Target(pub(crate) Arc<Method>);

/// The innermost service: hands authorised calls to whoever serves them.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Upstreams>);

struct Upstreams {
    channels: [Channel; Role::ALL.len()],
    signer: Signer,
    protections: Protections,
}

impl Proxy {
    /// A proxy to the roles of the suite.
    pub(crate) fn new(neighbours: &Neighbours, signer: Signer, protections: Protections) -> Self {
        Proxy(Arc::new(Upstreams {
            channels: Role::ALL.map(|role| neighbours.channel(role).layered(&TraceLayer::client())),
            signer,
            protections,
        }))
    }

    /// One that shares no connection with this one, for another runtime.
    pub(crate) fn again(&self) -> Self {
        Proxy(Arc::new(Upstreams {
            channels: self.0.channels.each_ref().map(Channel::again),
            signer: self.0.signer.clone(),
            protections: self.0.protections,
        }))
    }

    fn forward(&self, mut request: Request<Body>) -> Result<(&Channel, Request<Body>), Rejection> {
        let extensions = request.extensions_mut();
        let caller: Caller = extensions.remove().ok_or(Rejection::Unauthenticated)?;
        let Target(method) = extensions.remove().ok_or(Rejection::MethodUnknown)?;
        let (mut parts, body) = request.into_parts();
        parts.extensions.clear();
        // The transport adds its own scheme and authority.
        parts.uri = path_only(&parts.uri).ok_or(Rejection::MethodUnknown)?;
        if self.0.protections.on(Protection::HeaderStripping) {
            strip(&mut parts.headers);
        }
        parts
            .headers
            .insert(TE, HeaderValue::from_static("trailers"));
        if method.idempotent && !method.streaming {
            parts.extensions.insert(Retry::Idempotent);
        }
        let signed = self.0.signer.header_for(&caller.context, method.upstream);
        parts.headers.insert(context::HEADER, signed);
        let channel = &self.0.channels[method.upstream.index()];
        Ok((channel, Request::from_parts(parts, body)))
    }
}

impl Service<Request<Body>> for Proxy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // An upstream is made ready inside the call, on a clone of its channel.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = match self.forward(request) {
            Ok((channel, request)) => channel.once(request),
            Err(rejection) => {
                let status = tonic::Status::from(Failure::from(rejection));
                return Box::pin(std::future::ready(Ok(status.into_http())));
            }
        };
        Box::pin(async move {
            Ok(call.await.unwrap_or_else(|error| {
                // Channels answer with a status; what arrives here is a fault of ours.
                tracing::error!(%error, "a call could not be handed on");
                let failure = Failure::new(
                    rapport_foundation::error::Code::Internal,
                    "INTERNAL",
                    "The call could not be handed on.",
                );
                tonic::Status::from(failure).into_http()
            }))
        })
    }
}

fn path_only(uri: &Uri) -> Option<Uri> {
    let path = PathAndQuery::try_from(uri.path()).ok()?;
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}

/// Removes what must not reach a service. The deadline is ours: the layers have put it there.
fn strip(headers: &mut HeaderMap) {
    for name in [
        HOST,
        CONNECTION,
        AUTHORIZATION,
        HeaderName::from_static(API_KEY),
        PROXY_AUTHORIZATION,
        COOKIE,
        FORWARDED,
    ] {
        headers.remove(name);
    }
    let foreign = |name: &&HeaderName| {
        let name = name.as_str();
        name != deadline::HEADER
            && STRIPPED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    };
    let named: Vec<HeaderName> = headers.keys().filter(foreign).cloned().collect();
    for name in named {
        headers.remove(name);
    }
}
