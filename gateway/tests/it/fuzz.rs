//! Any bytes at every door that reads bytes (S45): the token, paths and queries, page tokens, JSON, the frames of gRPC
//! and gRPC-Web, timeouts. Nothing panics, everything is answered, and nobody is let in.
//!
//! The frames of HTTP/2 and the PROXY header are read below this, and have their own tests beside them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::fixture::Fixture;
use crate::tokens;
use crate::upstream::{BIDI, UNARY};

/// Cases at each door.
const CASES: u32 = 150;

/// A gateway, and a request to it.
struct Door {
    runtime: tokio::runtime::Runtime,
    fixture: Fixture,
    bearer: String,
}

impl Door {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let fixture = runtime.block_on(Fixture::open());
        let roles = ["operator", "agent", "supervisor", "manager", "connector"];
        let claims = tokens::claims(&fixture.tenant.to_string(), &roles, fixture.now());
        let bearer = format!("Bearer {}", fixture.key.token(&claims));
        Door {
            runtime,
            fixture,
            bearer,
        }
    }

    /// The answer, which must come, and from what was said and not from a clock.
    fn answer(&self, mut request: Request<Body>) -> (StatusCode, HeaderMap) {
        let headers = request.headers_mut();
        if !headers.contains_key("authorization") {
            headers.insert("authorization", self.bearer.parse().unwrap());
        }
        self.runtime.block_on(async {
            let answer = self.fixture.front.clone().oneshot(request);
            let answer = tokio::time::timeout(Duration::from_secs(10), answer);
            let (parts, body) = answer.await.expect("an answer").unwrap().into_parts();
            let mut headers = parts.headers;
            let read = body.collect().await.unwrap();
            headers.extend(read.trailers().cloned().unwrap_or_default());
            let code = headers.get("grpc-status").map(HeaderValue::as_bytes);
            assert_ne!(code, Some(&b"4"[..]), "it hung until its deadline");
            assert_ne!(parts.status, 504, "it hung until its deadline");
            (parts.status, headers)
        })
    }
}

fn run<S: Strategy>(what: &S, test: impl Fn(S::Value)) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let held = runner.run(what, |case| {
        test(case);
        Ok(())
    });
    held.unwrap();
}

fn post(path: &str, kind: &str, body: Vec<u8>) -> Request<Body> {
    Request::post(path)
        .header("content-type", kind)
        .body(Body::new(Full::new(Bytes::from(body))))
        .unwrap()
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

/// Text in which the letters of JSON are frequent.
fn json_like() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u",
        "1e999",
        "null",
        "\"customerId\"",
        "\"queue\"",
        "\"pageSize\"",
        "\u{0}",
        "-",
        "\"@type\"",
        "true",
        "\n",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat().into_bytes())
}

/// What JSON can say.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(
                prop::sample::select(vec![
                    "iss", "aud", "sub", "exp", "nbf", "iat", "tenant", "roles", "scope", "typ",
                    "kind", "alg", "kid", "crit", "cty",
                ]),
                inner,
                0..6
            )
            .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

#[test]
fn no_token_does_harm() {
    let door = Door::open();
    let refused = |token: &str| {
        let Ok(bearer) = HeaderValue::from_str(&format!("Bearer {token}")) else {
            return;
        };
        let mut call = post(UNARY, "application/grpc", vec![0; 5]);
        call.headers_mut().insert("authorization", bearer);
        let (_, headers) = door.answer(call);
        assert_eq!(headers["grpc-status"], "16", "{token}");
    };
    run(&"[ -~]{0,200}", |token| refused(&token));
    run(&(bytes(), bytes(), bytes()), |(a, b, c)| {
        refused(&[a, b, c].map(|part| URL_SAFE_NO_PAD.encode(part)).join("."));
    });
    // Signed by the right key, whatever it says; what it says is never enough.
    run(&(value(), value()), |(mut header, claims)| {
        if let Some(header) = header.as_object_mut() {
            header.insert("alg".into(), "ES256".into());
        }
        refused(
            &door
                .fixture
                .key
                .sign(&header.to_string(), &claims.to_string()),
        );
    });
}

#[test]
fn no_request_does_harm() {
    let door = Door::open();
    let verbs = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    let path = "/v1/(customers|queues|tickets|tenants)?[!-~]{0,60}";
    run(&(verbs, path, json_like()), |(verb, path, body)| {
        let body = Body::new(Full::new(Bytes::from(body)));
        let Ok(request) = Request::builder().method(verb).uri(path).body(body) else {
            return;
        };
        let (status, _) = door.answer(request);
        assert!(status.is_success() || status.is_client_error() || status.as_u16() >= 500);
    });
    run(&json_like(), |body| {
        for path in [UNARY, "/v1/queues", "/v1/interactions:stream"] {
            door.answer(post(path, "application/json", body.clone()));
        }
    });
    run(&bytes(), |body| {
        for (path, kind) in [
            (UNARY, "application/proto"),
            (UNARY, "application/grpc"),
            (BIDI, "application/grpc"),
            (UNARY, "application/grpc-web+proto"),
            (UNARY, "application/grpc-web-text"),
        ] {
            door.answer(post(path, kind, body.clone()));
        }
        let text = STANDARD.encode(&body).into_bytes();
        door.answer(post(UNARY, "application/grpc-web-text", text));
    });
}

#[test]
fn no_timeout_and_no_page_token_does_harm() {
    let door = Door::open();
    run(&"[ -~]{0,12}", |text| {
        for (name, kind) in [
            ("grpc-timeout", "application/grpc"),
            ("connect-timeout-ms", "application/json"),
        ] {
            let mut call = post(UNARY, kind, b"{}".to_vec());
            let text = HeaderValue::from_str(text.trim()).unwrap();
            call.headers_mut().insert(name, text);
            // A timeout that is valid may be over at once.
            let answer = door.fixture.front.clone().oneshot(call);
            door.runtime.block_on(answer).unwrap();
        }
    });
    run(&"[A-Za-z0-9_-]{1,300}", |token| {
        let path = format!("/v1/roles?page_token={token}");
        let (status, _) = door.answer(Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(status, 400, "{token}");
    });
}
