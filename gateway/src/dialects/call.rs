//! One call on its way: HTTP headers to gRPC's and back.

use std::convert::Infallible;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT,
    HOST, RETRY_AFTER, TE, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};
use serde_json::Value;
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::body::Refused;
use super::problem;

/// About the bytes of one hop or of one encoding: they mean nothing for the call.
const OF_THE_HOP: [HeaderName; 11] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A gRPC call to this path with this body, and with the caller's headers and what their connection is known by.
pub(super) fn grpc(path: &str, parts: Parts, body: Body) -> Request<Body> {
    let mut headers = parts.headers;
    for name in OF_THE_HOP {
        headers.remove(name);
    }
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/grpc+proto"),
    );
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers;
    *request.extensions_mut() = parts.extensions;
    if let Ok(path) = PathAndQuery::try_from(path) {
        *request.uri_mut() = Uri::from(path);
    }
    request
}

/// Makes the call, unless its body turns out to be no request.
pub(super) async fn make<S>(
    inner: S,
    request: Request<Body>,
    refused: &mut Refused,
) -> Result<Response<Body>, Status>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    tokio::select! {
        // The refusal first: it is the clearer answer.
        biased;
        Ok(failure) = refused => Err(failure.into()),
        answer = inner.oneshot(request) => match answer {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        },
    }
}

/// What of an answer's headers is the service's, and not of gRPC.
pub(super) fn headers(mut headers: HeaderMap) -> HeaderMap {
    for name in OF_THE_HOP {
        headers.remove(name);
    }
    let grpc: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("grpc-"))
        .cloned()
        .collect();
    for name in grpc {
        headers.remove(name);
    }
    headers
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, text: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error in JSON, with what HTTP has headers for.
pub(super) fn failed(status: &Status, told: &Value) -> Response<Body> {
    let mut response = json(problem::http_status(status), told.to_string().into_bytes());
    let headers = response.headers_mut();
    if let Some(seconds) = problem::retry_after_s(status) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

/// A body that is there at once.
pub(super) fn full(bytes: impl Into<bytes::Bytes>) -> Body {
    Body::new(http_body_util::Full::new(bytes.into()))
}
