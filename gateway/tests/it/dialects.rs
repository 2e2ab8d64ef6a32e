//! The same calls in other protocols: what is refused, how it is told, and what never reaches a service. That good calls
//! work in every protocol is shown end to end, by foreign clients.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::fixture::{Fixture, Plan};
use crate::tokens;
use crate::upstream::UNARY;

/// An answer with its whole body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Code, name and reason of an error of the JSON interface.
    fn error(&self) -> (u64, String, String) {
        let error = &self.json()["error"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        assert_eq!(error["code"], self.status.as_u16());
        (
            error["code"].as_u64().unwrap(),
            text(&error["status"]),
            text(&error["details"][0]["reason"]),
        )
    }
}

fn error(code: u64, name: &str, reason: &str) -> (u64, String, String) {
    (code, name.to_owned(), reason.to_owned())
}

pub(crate) async fn send(fixture: &Fixture, request: Request<Body>) -> Answer {
    let response = fixture.front.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

fn body(text: impl Into<Bytes>) -> Body {
    Body::new(Full::new(text.into()))
}

pub(crate) fn request(
    fixture: &Fixture,
    verb: &str,
    path: &str,
    text: impl Into<Bytes>,
) -> Request<Body> {
    let roles = ["agent", "supervisor", "manager", "connector"];
    let claims = tokens::claims(&fixture.tenant.to_string(), &roles, fixture.now());
    let bearer = format!("Bearer {}", fixture.key.token(&claims));
    let request = Request::builder().method(verb).uri(path);
    request
        .header("authorization", bearer)
        .body(body(text))
        .unwrap()
}

/// A call by Connect, in JSON.
fn connect(fixture: &Fixture, path: &str, text: &'static str) -> Request<Body> {
    let mut request = request(fixture, "POST", path, text);
    let json = "application/json".parse().unwrap();
    request.headers_mut().insert("content-type", json);
    request
}

#[tokio::test]
async fn a_path_a_verb_and_a_body_that_mean_nothing_are_each_told_as_such() {
    let fixture = Fixture::open().await;
    let deep = "[".repeat(100_000);
    for (verb, path, text, expected) in [
        (
            "GET",
            "/v1/nothing",
            "",
            error(404, "NOT_FOUND", "PATH_UNKNOWN"),
        ),
        (
            "GET",
            "/v1/customers/%ff",
            "",
            error(400, "INVALID_ARGUMENT", "MALFORMED_PATH"),
        ),
        (
            "PUT",
            "/v1/queues",
            "",
            error(405, "UNIMPLEMENTED", "VERB_NOT_ALLOWED"),
        ),
        (
            "GET",
            "/v1/queues?nothing=1",
            "",
            error(400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
        ),
        (
            "POST",
            "/v1/queues?queue.code=a",
            "",
            error(400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
        ),
        (
            "POST",
            "/v1/queues",
            "{",
            error(400, "INVALID_ARGUMENT", "MALFORMED_JSON"),
        ),
        (
            "POST",
            "/v1/queues",
            "[]",
            error(400, "INVALID_ARGUMENT", "MALFORMED_JSON"),
        ),
        (
            "POST",
            "/v1/queues",
            "{\"nothing\":1}",
            error(400, "INVALID_ARGUMENT", "MALFORMED_JSON"),
        ),
        (
            "POST",
            "/v1/queues",
            &deep,
            error(400, "INVALID_ARGUMENT", "MALFORMED_JSON"),
        ),
        (
            "PATCH",
            "/v1/queues/que_1",
            "{\"queueId\":\"que_2\"}",
            error(400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
        ),
    ] {
        let answer = send(&fixture, request(&fixture, verb, path, text.to_owned())).await;
        assert_eq!(answer.error(), expected, "{verb} {path}");
        assert!(answer.headers.contains_key("x-request-id"));
    }
    let answer = send(&fixture, request(&fixture, "PUT", "/v1/queues", "")).await;
    assert_eq!(answer.headers["allow"], "GET, POST");
}

#[tokio::test]
async fn a_failure_is_told_with_everything_that_grpc_tells() {
    let fixture = Fixture::open().await;
    let answer = send(&fixture, request(&fixture, "GET", "/v1/customers/fail", "")).await;
    assert_eq!(answer.error(), error(404, "NOT_FOUND", "NOT_FOUND"));
    let metadata = &answer.json()["error"]["details"][0]["metadata"];
    assert_eq!(metadata, &json!({"resource": "customer", "id": "cus_x"}));

    let answer = send(
        &fixture,
        connect(&fixture, UNARY, "{\"customerId\":\"fail\"}"),
    )
    .await;
    assert_eq!(answer.status, 404);
    let told = answer.json();
    assert_eq!(told["code"], "not_found");
    assert_eq!(told["details"][0]["type"], "google.rpc.ErrorInfo");
}

#[tokio::test]
async fn without_a_credential_nothing_is_read_and_nothing_is_told() {
    let fixture = Fixture::open().await;
    for (path, content) in [
        ("/v1/queues", "application/json"),
        (UNARY, "application/json"),
        (UNARY, "application/proto"),
        (
            "/rapport.profiles.v1.CustomerService/Nothing",
            "application/json",
        ),
        (UNARY, "application/grpc-web+proto"),
    ] {
        let read = Arc::new(AtomicBool::new(false));
        let reading = Arc::clone(&read);
        let pieces = futures::stream::once(async move {
            reading.store(true, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{}")))
        });
        let request = Request::post(path)
            .header("content-type", content)
            .body(Body::new(StreamBody::new(pieces)))
            .unwrap();
        let answer = send(&fixture, request).await;
        assert!(!read.load(Ordering::Relaxed), "{path} {content}");
        if content.starts_with("application/grpc-web") {
            assert_eq!(answer.headers["grpc-status"], "16");
            // The status stands in the headers; a second one in the body would be read as a message.
            assert!(answer.body.is_empty());
        } else {
            assert_eq!(answer.status, 401, "{path} {content}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
    assert_eq!(fixture.upstream.calls(), 0);
}

#[tokio::test]
async fn methods_that_do_not_exist_are_told_apart_by_connect_only_with_a_token() {
    let fixture = Fixture::open().await;
    for path in [
        "/rapport.profiles.v1.CustomerService/Nothing",
        "/rapport.profiles.v1.LogService/WatchHeads",
        "/nobody.v1.Service/Method",
    ] {
        let mut call = connect(&fixture, path, "{}");
        assert_eq!(
            send(&fixture, connect(&fixture, path, "{}")).await.status,
            501
        );
        call.headers_mut().remove("authorization");
        assert_eq!(send(&fixture, call).await.status, 401);
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_or_compressed_is_refused() {
    let fixture = Fixture::open().await;
    let large = format!("{{\"queue\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    let answer = send(
        &fixture,
        request(&fixture, "POST", "/v1/queues", large.clone()),
    )
    .await;
    assert_eq!(
        answer.error(),
        error(413, "RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")
    );
    // One line of a stream is one message; the stream has begun when it is too long, and ends with the refusal.
    let path = "/v1/interactions:stream";
    let answer = send(&fixture, request(&fixture, "POST", path, large)).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let line: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(line["error"]["details"][0]["reason"], "MESSAGE_TOO_LARGE");
    for path in ["/v1/queues", UNARY] {
        let mut call = connect(&fixture, path, "{}");
        let gzip = "gzip".parse().unwrap();
        call.headers_mut().insert("content-encoding", gzip);
        assert_eq!(send(&fixture, call).await.status, 415);
    }
}

#[tokio::test]
async fn a_deadline_is_kept_in_every_protocol() {
    let fixture = Fixture::open().await;
    let mut call = connect(&fixture, UNARY, "{\"customerId\":\"wait\"}");
    call.headers_mut()
        .insert("connect-timeout-ms", "50".parse().unwrap());
    let answer = send(&fixture, call).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (504, &json!("deadline_exceeded"))
    );
    let mut call = request(&fixture, "GET", "/v1/customers/wait", "");
    call.headers_mut()
        .insert("grpc-timeout", "50m".parse().unwrap());
    assert_eq!(send(&fixture, call).await.status, 504);
    for malformed in ["", "-1", "abc", "12345678901"] {
        let mut call = connect(&fixture, UNARY, "{}");
        call.headers_mut()
            .insert("connect-timeout-ms", malformed.parse().unwrap());
        assert_eq!(send(&fixture, call).await.status, 400, "{malformed}");
    }
}

#[tokio::test]
async fn what_callers_say_about_themselves_goes_no_further_in_any_protocol() {
    let fixture = Fixture::open().await;
    for mut call in [
        request(&fixture, "GET", "/v1/customers/fail", ""),
        connect(&fixture, UNARY, "{\"customerId\":\"fail\"}"),
    ] {
        for name in [
            "x-rapport-context",
            "x-rapport-tenant",
            "x-forwarded-for",
            "cookie",
        ] {
            call.headers_mut().insert(name, "forged".parse().unwrap());
        }
        send(&fixture, call).await;
        let seen = fixture.upstream.last();
        assert_eq!(seen.context.tenant, fixture.tenant);
        for name in [
            "x-rapport-tenant",
            "x-forwarded-for",
            "cookie",
            "authorization",
            "idempotency-key",
        ] {
            assert!(!seen.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_page_may_call_only_from_an_origin_that_is_named() {
    let mut plan = Plan::default();
    plan.config.origins = vec!["https://desk.example.com".into()];
    let fixture = plan.open().await;
    let preflight = |origin: &str| {
        Request::options("/v1/queues")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .body(Body::empty())
            .unwrap()
    };
    let allowed = send(&fixture, preflight("https://desk.example.com")).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://desk.example.com"
    );
    let other = send(&fixture, preflight("https://evil.example.com")).await;
    assert!(!other.headers.contains_key("access-control-allow-origin"));
    let mut call = request(&fixture, "GET", "/v1/customers/fail", "");
    call.headers_mut()
        .insert("origin", "https://desk.example.com".parse().unwrap());
    let answer = send(&fixture, call).await;
    let exposed = answer.headers["access-control-expose-headers"]
        .to_str()
        .unwrap();
    assert!(exposed.contains("grpc-status-details-bin"));
    // Without origins in the settings no browser is let in.
    let closed = Fixture::open().await;
    let answer = send(&closed, preflight("https://desk.example.com")).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn whoever_opens_the_address_is_told_what_it_is_without_a_credential() {
    let fixture = Fixture::open().await;
    for (path, kind, holds) in [
        ("/", "text/html; charset=utf-8", "openapi.json"),
        (
            "/openapi.json",
            "application/json",
            "\"/v1/customers/{customer_id}\"",
        ),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = send(&fixture, request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (200, &kind.parse().unwrap())
        );
        assert!(
            String::from_utf8_lossy(&answer.body).contains(holds),
            "{path}"
        );
    }
}

#[tokio::test]
async fn http_1_is_spoken_and_its_slow_and_its_endless_headers_are_cut_off() {
    let mut plan = Plan::default();
    plan.config.limits.handshake_ms = 300;
    let fixture = plan.open().await;
    let said = async |text: &[u8]| {
        let mut stream = tokio::net::TcpStream::connect(fixture.address)
            .await
            .unwrap();
        stream.write_all(text).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        // A connection that is reset was ended as well.
        let _ = tokio::time::timeout(Duration::from_secs(10), read)
            .await
            .unwrap();
        String::from_utf8(answer).unwrap()
    };
    let answer = said(b"GET /v1/queues HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    // A refusal reaches whoever is still sending.
    let mut stream = tokio::net::TcpStream::connect(fixture.address)
        .await
        .unwrap();
    let head = b"POST /v1/queues HTTP/1.1\r\nhost: a\r\ncontent-length: 40000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    for _ in 0..40 {
        tokio::task::yield_now().await;
        stream.write_all(&[b'x'; 1_000]).await.unwrap();
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    let answer = said(b"GET /v1/queues HTTP/1.1\r\nhost: a\r\n").await;
    assert!(!answer.contains("200"), "{answer}");
    let endless = format!("GET /v1/queues HTTP/1.1\r\na: {}", "x".repeat(64 * 1024));
    let answer = said(endless.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
}
