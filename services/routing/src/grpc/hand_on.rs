//! Calls that the owner of a tenant decides are handed on to it, byte for byte, with the credential they
//! came with. What is only read from the tables is answered here.

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use rapport_foundation::channel::ELSEWHERE;
use rapport_foundation::context::Context;
use rapport_foundation::deadline::{self, Deadline};
use rapport_foundation::service::{Vouched, paths};
use rapport_proto::options::v1::RateClass;
use tonic::body::Body;
use tonic_types::StatusExt as _;

use crate::Error;
use crate::error::OWNER_CHANGING;
use crate::work::{Place, Shell};

/// Marks a call that was handed on: whoever gets it decides it or says that it cannot.
const HANDED_ON: HeaderName = HeaderName::from_static("x-rapport-handed-on");

const MARK: HeaderValue = HeaderValue::from_static("1");

/// How an owner that is going, or gone, is answered for.
const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");

/// The methods that the owner decides: all that do more than read, and what it tells from memory. The log, and what is told
/// from it, is every replica's.
static DECIDED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let told = paths(|_| true)
        .into_iter()
        .filter(|path| path.starts_with("/rapport.routing.v1.SupervisionService/"));
    let mut paths = paths(|policy| policy.rate() != RateClass::Read);
    paths.extend(told);
    paths.retain(|path| {
        path.starts_with("/rapport.routing.v1.")
            && !path.starts_with("/rapport.routing.v1.LogService/")
            && !path.starts_with("/rapport.routing.v1.TicketWatchService/")
    });
    paths
});

/// A layer around the services of routing, inside of where the caller was verified.
pub(super) async fn hand_on(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let tenant = request.extensions().get::<Context>().map(|ctx| ctx.tenant);
    if tenant.is_some() {
        shell.called();
    }
    let Some(tenant) = tenant.filter(|_| DECIDED.contains(request.uri().path())) else {
        return next.run(request).await;
    };
    match shell.place(tenant).await {
        Ok(Place::Here) => {
            let mut answer = next.run(request).await;
            if is_by_another(answer.headers()) {
                answer.headers_mut().insert(ELSEWHERE, MARK);
            }
            answer
        }
        Ok(Place::There(_)) if request.headers().contains_key(HANDED_ON) => {
            refused(Error::NotOwner)
        }
        Ok(Place::There(owner)) => {
            let answer = owner.once(prepared(request)).await;
            let mut answer = answer.unwrap_or_else(|error| {
                tracing::debug!(%error, "a call could not be handed on");
                tonic::Status::from(Error::NotOwner).into_http()
            });
            if answer.headers().get(tonic::Status::GRPC_STATUS) == Some(&UNAVAILABLE) {
                shell.doubt(tenant);
                answer.headers_mut().insert(ELSEWHERE, MARK);
            }
            answer.map(axum::body::Body::new)
        }
        Err(error) => refused(error),
    }
}

/// Whether an answer says that another process decides: it was lost while the call waited.
fn is_by_another(headers: &HeaderMap) -> bool {
    if headers.get(tonic::Status::GRPC_STATUS) != Some(&UNAVAILABLE) {
        return false;
    }
    let info = tonic::Status::from_header_map(headers);
    let info = info.and_then(|status| status.get_details_error_info());
    info.is_some_and(|info| info.reason == OWNER_CHANGING)
}

fn prepared(mut request: Request) -> http::Request<Body> {
    let vouched = request.extensions_mut().remove::<Vouched>();
    let headers = request.headers_mut();
    if let Some(vouched) = vouched {
        vouched.attach(headers);
    }
    headers.insert(HANDED_ON, MARK);
    if let Some(deadline) = Deadline::current() {
        deadline::state(headers, deadline.remaining());
    }
    request.map(Body::new)
}

fn refused(error: Error) -> Response {
    let elsewhere = matches!(error, Error::NotOwner);
    let mut answer = tonic::Status::from(error)
        .into_http::<Body>()
        .map(axum::body::Body::new);
    if elsewhere {
        answer.headers_mut().insert(ELSEWHERE, MARK);
    }
    answer
}
