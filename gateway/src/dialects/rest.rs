//! JSON over HTTP, by the `google.api.http` annotations of the contracts.
//!
//! A call of one message is a JSON object each way. Streams are one object a line (NDJSON): `{"result": …}` for a
//! message, `{"error": …}` as the last line of a stream that failed; with `Accept: text/event-stream` they are
//! server-sent events instead, a message as `data`, a failure as the event `error`. Errors are those of AIP-193.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use prost_reflect::MessageDescriptor;
use rapport_foundation::check::Check;
use rapport_foundation::error::{Code, Failure};
use serde_json::{Map, Value};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use url::form_urlencoded;

use super::body::{self, Ended, Part, Refused};
use super::routes::{Matched, Route, Unmatched};
use super::{Door, call, message, problem};
use crate::protection::{Protection, Protections};

/// In JSON the id of a request may stand in this header instead of the body.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Fields in a query: far more than any request has.
const MOST_FIELDS: usize = 200;

/// Serves one request.
pub(super) async fn serve<S>(door: Arc<Door>, inner: S, request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    match door.routes.find(request.method(), request.uri().path()) {
        Ok(matched) => speak(&door, inner, request, matched).await,
        Err(Unmatched::Verb(verbs)) => {
            let mut response = refuse(Failure::new(
                Code::Unimplemented,
                "VERB_NOT_ALLOWED",
                "The resource does not have this verb.",
            ));
            let verbs: Vec<&str> = verbs.iter().map(http::Method::as_str).collect();
            if let Ok(verbs) = HeaderValue::try_from(verbs.join(", ")) {
                response.headers_mut().insert(ALLOW, verbs);
            }
            response
        }
        Err(Unmatched::Path) => refuse(Failure::new(
            Code::NotFound,
            "PATH_UNKNOWN",
            "No resource has this path.",
        )),
        Err(Unmatched::Encoding) => refuse(Failure::new(
            Code::InvalidArgument,
            "MALFORMED_PATH",
            "The path is not percent-encoded UTF-8.",
        )),
    }
}

async fn speak<S>(
    door: &Door,
    inner: S,
    request: Request<Body>,
    Matched { route, variables }: Matched,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let (parts, body) = request.into_parts();
    let protections = door.protections;
    let fixed = fixed(
        &route,
        variables,
        parts.uri.query(),
        &parts.headers,
        protections,
    );
    let fixed = match fixed {
        Ok(fixed) => fixed,
        Err(failure) => return refuse(failure),
    };
    let events = wants_events(&parts.headers);
    let kind = route.rpc.input();
    let most = door.most_bytes;
    let (body, mut refused) = if route.rpc.is_client_streaming() {
        body::lines(body, most, move |line| {
            message::from_text(&kind, line, protections)
        })
    } else if route.has_body {
        body::one(body, most, move |text| fixed.with_body(&kind, text))
    } else {
        body::one(Body::empty(), most, move |_| fixed.with_body(&kind, b""))
    };
    let grpc = call::grpc(&route.method.path, parts, body);
    let response = match call::make(inner, grpc, &mut refused).await {
        Ok(response) => response,
        Err(status) => return failed(&status),
    };
    if route.rpc.is_server_streaming() {
        many(route.rpc.output(), response, refused, events)
    } else {
        one(
            &route.rpc.output(),
            body::ended(response, most, &mut refused).await,
        )
    }
}

/// What stands outside of the body.
struct Fixed {
    object: Map<String, Value>,
    /// For a request that has a `request_id` and does not say it.
    request_id: Option<String>,
    protections: Protections,
}

fn fixed(
    route: &Route,
    variables: Vec<(String, String)>,
    query: Option<&str>,
    headers: &HeaderMap,
    protections: Protections,
) -> Result<Fixed, Failure> {
    let kind = route.rpc.input();
    let (mut c, mut object) = (Check::new(), Map::new());
    for (field, value) in variables {
        message::place(&mut c, &kind, &mut object, &field, &value);
    }
    let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    for (n, (field, value)) in query.enumerate() {
        if n == MOST_FIELDS && protections.on(Protection::QueryFields) {
            c.fail("query", "TOO_MANY", "names too many fields");
            break;
        }
        if route.has_body {
            c.fail(&field, "UNKNOWN_FIELD", "belongs into the body");
            continue;
        }
        message::place(&mut c, &kind, &mut object, &field, &value);
    }
    let request_id = headers
        .get(IDEMPOTENCY_KEY)
        .and_then(|key| key.to_str().ok())
        .map(str::to_owned);
    c.done(Fixed {
        object,
        request_id,
        protections,
    })
}

impl Fixed {
    /// The request: what the path says and what the body says, which must not contradict each other.
    fn with_body(&self, kind: &MessageDescriptor, text: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut object = match message::parse(text)? {
            Value::Object(object) => object,
            // Refused like any other value that is no request.
            other => return message::from_value(kind, other, self.protections),
        };
        let mut c = Check::new();
        for (name, value) in &self.object {
            match message::field(kind, name) {
                Some(field) if self.protections.on(Protection::SaidTwice) => {
                    message::say(&mut c, &mut object, &field, name, value);
                }
                Some(field) => {
                    message::slot(&mut object, &field).or_insert_with(|| value.clone());
                }
                None => {}
            }
        }
        c.done(())?;
        if let (Some(id), Some(field)) = (&self.request_id, message::field(kind, "request_id")) {
            message::slot(&mut object, &field).or_insert_with(|| id.as_str().into());
        }
        message::from_value(kind, Value::Object(object), self.protections)
    }
}

fn one(kind: &MessageDescriptor, ended: Ended) -> Response<Body> {
    let text = ended
        .outcome
        .and_then(|message| Ok(message::to_text(kind, &message)?));
    match text {
        Ok(text) => {
            let mut response = call::json(StatusCode::OK, text);
            response.headers_mut().extend(call::headers(ended.headers));
            response
        }
        Err(status) => failed(&status),
    }
}

fn many(
    kind: MessageDescriptor,
    response: Response<Body>,
    refused: Refused,
    events: bool,
) -> Response<Body> {
    let (parts, body) = response.into_parts();
    if let Some(status) = body::refusal(&parts.headers) {
        return failed(&status);
    }
    let lines = body::parts(body, refused).map(move |part| {
        let told = match part {
            Part::Message(message) => message::to_text(&kind, &message).map_err(Status::from),
            Part::Failed(status) => Err(status),
        };
        let line = if events { event(told) } else { line(told) };
        Ok::<_, Infallible>(Frame::data(line))
    });
    let mut response = Response::new(Body::new(StreamBody::new(lines)));
    let content = match events {
        true => "text/event-stream",
        false => "application/x-ndjson",
    };
    let headers = response.headers_mut();
    headers.extend(call::headers(parts.headers));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn line(told: Result<Vec<u8>, Status>) -> Bytes {
    match told {
        Ok(text) => [&b"{\"result\":"[..], &text, b"}\n"].concat().into(),
        Err(status) => format!("{}\n", problem::error(&status)).into(),
    }
}

fn event(told: Result<Vec<u8>, Status>) -> Bytes {
    match told {
        Ok(text) => [&b"data: "[..], &text, b"\n\n"].concat().into(),
        Err(status) => format!("event: error\ndata: {}\n\n", problem::error(&status)).into(),
    }
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepts = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|value| value.contains("text/event-stream"))
    };
    headers.get_all(ACCEPT).iter().any(accepts)
}

fn refuse(failure: Failure) -> Response<Body> {
    failed(&failure.into())
}

fn failed(status: &Status) -> Response<Body> {
    call::failed(status, &problem::error(status))
}
