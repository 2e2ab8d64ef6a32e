//! Calls of one message by the Connect protocol (connectrpc.com, "Connect protocol reference", unary requests): the
//! path of gRPC, the message itself as the body, in protobuf or in JSON.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use rapport_foundation::deadline;
use rapport_foundation::error::{Code, Failure};
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::body::Ended;
use super::routes::Route;
use super::{Door, body, call, message, problem};
use crate::error::Rejection;

const TIMEOUT: &str = "connect-timeout-ms";
/// The protocol's own headers; the call is gRPC from here on.
const OURS: [&str; 2] = [TIMEOUT, "connect-protocol-version"];

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Proto,
    Json,
}

impl Codec {
    /// The codec of a content type, if it is one of Connect's.
    pub(super) fn of(content_type: &HeaderValue) -> Option<Self> {
        let kind = content_type.to_str().ok()?.split(';').next()?.trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/proto" => Some(Self::Proto),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Proto => "application/proto",
            Self::Json => "application/json",
        }
    }
}

/// Serves one request for a path of gRPC.
pub(super) async fn serve<S>(
    door: Arc<Door>,
    inner: S,
    request: Request<Body>,
    codec: Codec,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if let Err(failure) = timeout(&mut parts.headers) {
        return failed(&failure.into());
    }
    for name in OURS {
        parts.headers.remove(name);
    }
    let Some(route) = door.routes.rpc(&path) else {
        return unknown(inner, call::grpc(&path, parts, Body::empty())).await;
    };
    if route.rpc.is_client_streaming() || route.rpc.is_server_streaming() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return response;
    }
    let (body, mut refused) = request_body(route, body, codec, &door);
    let grpc = call::grpc(&path, parts, body);
    match call::make(inner, grpc, &mut refused).await {
        Ok(response) => {
            let ended = body::ended(response, door.most_bytes, &mut refused).await;
            answer(route, ended, codec)
        }
        Err(status) => failed(&status),
    }
}

/// A method that is not in the contracts: the layers below refuse it, and tell only those who may know.
async fn unknown<S>(inner: S, request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let response = inner.oneshot(request).await;
    let response = response.unwrap_or_else(|never| match never {});
    let status = body::refusal(response.headers());
    failed(&status.unwrap_or_else(|| Failure::from(Rejection::MethodUnknown).into()))
}

fn request_body(route: &Route, body: Body, codec: Codec, door: &Door) -> (Body, body::Refused) {
    let kind = route.rpc.input();
    let (most, protections) = (door.most_bytes, door.protections);
    match codec {
        Codec::Proto => body::one(body, most, |bytes| Ok(bytes.to_vec())),
        Codec::Json => body::one(body, most, move |text| {
            message::from_text(&kind, text, protections)
        }),
    }
}

fn answer(route: &Route, ended: Ended, codec: Codec) -> Response<Body> {
    let written = ended.outcome.and_then(|message| match codec {
        Codec::Proto => Ok(message),
        Codec::Json => Ok(message::to_text(&route.rpc.output(), &message)?.into()),
    });
    let bytes = match written {
        Ok(bytes) => bytes,
        Err(status) => return failed(&status),
    };
    let mut response = Response::new(call::full(bytes));
    let headers = response.headers_mut();
    headers.extend(call::headers(ended.headers));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(codec.content_type()));
    for (name, value) in &call::headers(ended.trailers) {
        if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
            headers.append(name, value.clone());
        }
    }
    response
}

/// The deadline in gRPC's header.
fn timeout(headers: &mut HeaderMap) -> Result<(), Failure> {
    let Some(asked) = headers.get(TIMEOUT) else {
        return Ok(());
    };
    // At most ten digits, says the protocol; gRPC takes eight.
    let text = asked.to_str().unwrap_or_default();
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    let milliseconds: u64 = text.parse().ok().filter(|_| digits).ok_or_else(|| {
        Failure::new(
            Code::InvalidArgument,
            "TIMEOUT_MALFORMED",
            "connect-timeout-ms must be 1 to 10 digits.",
        )
    })?;
    let written = match milliseconds {
        0..=99_999_999 => format!("{milliseconds}m"),
        longer => format!("{}S", longer / 1_000),
    };
    if let Ok(value) = HeaderValue::try_from(written) {
        headers.insert(deadline::GRPC_TIMEOUT, value);
    }
    Ok(())
}

fn failed(status: &Status) -> Response<Body> {
    call::failed(status, &problem::connect_error(status))
}
