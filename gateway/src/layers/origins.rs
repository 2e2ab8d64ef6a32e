//! Which web pages may call (CORS, Fetch standard). None unless they are named: a browser then keeps every page away.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method};
use rapport_foundation::telemetry::REQUEST_ID;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::protection::{Protection, Protections};

/// How long a browser remembers what it may do: browsers take two hours at most.
const REMEMBERED: Duration = Duration::from_secs(2 * 3600);

/// Headers of the protocols that a page may send beside the plain ones.
const SENT: [HeaderName; 12] = [
    ACCEPT,
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static(REQUEST_ID),
];

/// Headers of an answer that a page may read.
const READ: [HeaderName; 5] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    RETRY_AFTER,
    HeaderName::from_static(REQUEST_ID),
];

/// The layer for these origins; none for none. Credentials are tokens in a header and never cookies.
pub(super) fn layer(origins: &[HeaderValue], protections: Protections) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let named = match protections.on(Protection::Origins) {
        true => AllowOrigin::list(origins.iter().cloned()),
        false => AllowOrigin::mirror_request(),
    };
    let layer = CorsLayer::new()
        .allow_origin(named)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(SENT)
        .expose_headers(READ)
        .max_age(REMEMBERED);
    Some(layer)
}
