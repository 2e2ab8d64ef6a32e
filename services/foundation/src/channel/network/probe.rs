//! Asking a replica that was left alone whether it is well.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderValue, Request};
use prost::Message as _;
use tonic_health::pb::HealthCheckResponse;
use tonic_health::pb::health_check_response::ServingStatus;

use super::endpoint::Endpoint;
use super::exchange::target;

/// Of an answer to a probe no more is read.
const MOST_BYTES: usize = 1024;

/// Whether it answers within the limit that it serves. One without a health service only has to answer.
pub(super) async fn is_well(endpoint: &Endpoint, limit: Duration) -> bool {
    let asked = tokio::time::timeout(limit, ask(endpoint)).await;
    matches!(asked, Ok(Ok(true)))
}

async fn ask(endpoint: &Endpoint) -> Result<bool, h2::Error> {
    let Some(connection) = endpoint.connection() else {
        return Ok(false);
    };
    let path = http::uri::PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let Some(uri) = target(&endpoint.address, Some(path)) else {
        return Ok(false);
    };
    let mut request = Request::new(());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    *request.version_mut() = http::Version::HTTP_2;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let (response, mut send) = connection.send.clone().send_request(request, false)?;
    // One message, empty: the health of the whole process.
    send.send_data(Bytes::from_static(&[0; 5]), true)?;
    let (parts, mut body) = response.await?.into_parts();
    if let Some(status) = parts.headers.get("grpc-status") {
        return Ok(status == "12");
    }
    let mut read = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        if read.len() + data.len() > MOST_BYTES {
            return Ok(false);
        }
        read.extend_from_slice(&data);
    }
    let serving = read
        .get(5..)
        .and_then(|message| HealthCheckResponse::decode(message).ok())
        .is_some_and(|answer| answer.status() == ServingStatus::Serving);
    Ok(serving)
}
