//! The layers in front of every service, the same over the network and in this process.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context as Poller, Poll};

use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, Request, Response};
use prost_reflect::Value;
use rapport_proto::options::v1::MethodPolicy;
use tonic::body::Body;
use tonic::service::Routes;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder};

use super::plain::PlainLayer;
use super::telling::TellingLayer;
use crate::channel::{caught, panicked};
use crate::context::{self, Context, Demand, PrincipalKind, Refused, Verifier};
use crate::deadline::DeadlineLayer;
use crate::error::{Code, Failure};
use crate::telemetry::{AccessLog, CallsLayer, TraceLayer};

/// The signed context of a call as it came, for whoever hands the call on to another replica.
#[derive(Debug, Clone)]
pub struct Vouched(HeaderValue);

impl Vouched {
    /// Puts it into the headers of the call that is handed on.
    pub fn attach(self, headers: &mut HeaderMap) {
        headers.insert(context::HEADER, self.0);
    }
}

/// A service that believes nobody without a signed context.
pub type Guarded = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Puts the layers around a service's routes. Outermost to innermost:
///
/// 1. **Trace**: sees every call with its final status, also those the layers below refuse.
/// 2. **Calls**: counts and times what the trace may have left out.
/// 3. **Telling**: names what the call touched, also when one of the layers below ends it.
/// 4. **Panic**: becomes INTERNAL inside the trace; outside of the deadline, whose timer must not be
///    unwound past.
/// 5. **Deadline**: before verification, which is work too; what is below knows what is left.
/// 6. **Context**: so late that nothing between it and the handler could replace what it vouches for.
/// 7. **Plain words**: innermost, beside the library whose answers it says anew.
pub fn guard(routes: Routes, verifier: Verifier) -> Guarded {
    let layers = ServiceBuilder::new()
        .layer(TraceLayer::server())
        .layer(CallsLayer::new(AccessLog::Off))
        .layer(TellingLayer)
        .layer(PanicLayer)
        .layer(DeadlineLayer)
        .layer(ContextLayer(verifier))
        .layer(PlainLayer);
    BoxCloneSyncService::new(layers.service(routes.prepare()))
}

#[derive(Clone, Copy)]
struct PanicLayer;

impl<S> Layer<S> for PanicLayer {
    type Service = Contained<S>;

    fn layer(&self, inner: S) -> Contained<S> {
        Contained(inner)
    }
}

#[derive(Clone)]
struct Contained<S>(S);

impl<S> Service<Request<Body>> for Contained<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let call = AssertUnwindSafe(self.0.call(request)).catch_unwind();
        Box::pin(async move {
            match call.await {
                Ok(answer) => answer.map(|response| response.map(caught)),
                Err(_) => {
                    tracing::error!("a handler panicked");
                    Ok(tonic::Status::from(panicked()).into_http())
                }
            }
        })
    }
}

#[derive(Clone)]
struct ContextLayer(Verifier);

impl<S> Layer<S> for ContextLayer {
    type Service = Verified<S>;

    fn layer(&self, inner: S) -> Verified<S> {
        Verified {
            inner,
            verifier: self.0.clone(),
        }
    }
}

#[derive(Clone)]
struct Verified<S> {
    inner: S,
    verifier: Verifier,
}

impl<S> Verified<S> {
    /// The context of a call. None only where a test does without.
    fn check(&self, request: &mut Request<Body>) -> Result<Option<(Context, Vouched)>, Failure> {
        let stands = |demand| self.verifier.demands().stands(demand);
        let headers = request.headers_mut();
        let header = match headers.entry(context::HEADER) {
            http::header::Entry::Occupied(entry) => {
                let (_, mut values) = entry.remove_entry_mult();
                let first = values.next();
                // Two contexts in one call are no context: which of them would it be?
                if values.next().is_some() && stands(Demand::Alone) {
                    return Err(Refused::Missing.into());
                }
                first
            }
            http::header::Entry::Vacant(_) => None,
        };
        if header.is_none() && !stands(Demand::Presence) {
            return Ok(None);
        }
        let header = header.ok_or(Refused::Missing)?;
        let context = self.verifier.verify(&header)?;
        let outsider = context.kind != PrincipalKind::Service;
        if outsider && INTERNAL.contains(request.uri().path()) && stands(Demand::Service) {
            return Err(Failure::new(
                Code::Unimplemented,
                "METHOD_UNKNOWN",
                "There is no such method.",
            ));
        }
        Ok(Some((context, Vouched(header))))
    }
}

impl<S> Service<Request<Body>> for Verified<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        match self.check(&mut request) {
            Ok(context) => {
                if let Some((context, vouched)) = context {
                    request.extensions_mut().insert(context);
                    request.extensions_mut().insert(vouched);
                }
                Box::pin(self.inner.call(request))
            }
            Err(failure) => Box::pin(async { Ok(tonic::Status::from(failure).into_http()) }),
        }
    }
}

/// The paths of methods that only services may call. The gateway never forwards them; this is the wall
/// behind it.
static INTERNAL: LazyLock<HashSet<String>> = LazyLock::new(|| paths(|policy| policy.internal));

/// The paths of the methods whose policy says so.
pub fn paths(says: fn(&MethodPolicy) -> bool) -> HashSet<String> {
    let pool = rapport_proto::pool();
    let Some(extension) = pool.get_extension_by_name("rapport.options.v1.policy") else {
        return HashSet::new();
    };
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .filter(
            |method| match method.options().get_extension(&extension).as_ref() {
                Value::Message(policy) => policy
                    .transcode_to::<MethodPolicy>()
                    .is_ok_and(|policy| says(&policy)),
                _ => false,
            },
        )
        .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
        .collect()
}
