//! Attacks by what a request says beside its token: S17, S22, S24, S30, S33, S34, S40, and by JSON and web pages.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::Request;
use http_body_util::Full;
use rapport_foundation::context::Demand;
use rapport_gateway::Protection as P;
use serde_json::{Value, json};
use tonic::body::Body;
use tower::ServiceExt as _;

use super::{Row, THROUGH};
use crate::fixture::{Fixture, Plan, message};
use crate::tokens::{self, with};
use crate::upstream::UNARY;

const A_WHILE: Duration = Duration::from_millis(500);
const WATCH_HEADS: &str = "/rapport.profiles.v1.LogService/WatchHeads";

/// A request with an honest token of somebody who may do everything here.
fn request(fixture: &Fixture, verb: &str, path: &str, kind: &str, body: Body) -> Request<Body> {
    let roles = ["agent", "supervisor", "manager", "connector"];
    let claims = tokens::claims(&fixture.tenant.to_string(), &roles, fixture.now());
    let bearer = format!("Bearer {}", fixture.key.token(&claims));
    let request = Request::builder().method(verb).uri(path);
    request
        .header("authorization", bearer)
        .header("content-type", kind)
        .body(body)
        .unwrap()
}

fn grpc(fixture: &Fixture, headers: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = request(fixture, "POST", UNARY, "application/grpc", message("hello"));
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

fn text(text: impl Into<Bytes>) -> Body {
    Body::new(Full::new(text.into()))
}

/// Whether a request went through to the service; else what it was answered.
async fn sent(plan: Plan, request: fn(&Fixture) -> Request<Body>) -> String {
    let fixture = plan.open().await;
    let call = fixture.front.clone().oneshot(request(&fixture));
    let answer = call.await.unwrap();
    match answer.headers().get("grpc-status") {
        // A call begins before its body is read: what is wrong with the body is told all the same.
        None if answer.status().is_client_error() => format!("HTTP {}", answer.status().as_u16()),
        _ if fixture.upstream.calls() > 0 => THROUGH.to_owned(),
        code => format!("{code:?}"),
    }
}

/// The answer to a call, and what the service saw of it.
async fn answered(plan: Plan, headers: &[(&str, &str)], token: Option<Value>) -> (Fixture, String) {
    let fixture = plan.open().await;
    let token = token.unwrap_or_else(|| fixture.claims());
    let bearer = format!("Bearer {}", fixture.key.token(&token));
    let headers = [&[("authorization", bearer.as_str())], headers].concat();
    let (_, answer) = fixture.answer(UNARY, &headers).await;
    let code = answer
        .get("grpc-status")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    (fixture, code)
}

async fn without_scope(plan: Plan) -> String {
    let fixture = plan.open().await;
    let claims = tokens::claims(&fixture.tenant.to_string(), &[], fixture.now());
    code(&fixture, UNARY, &claims).await
}

async fn code(fixture: &Fixture, path: &str, claims: &Value) -> String {
    let bearer = format!("Bearer {}", fixture.key.token(claims));
    let (_, answer) = fixture.answer(path, &[("authorization", &bearer)]).await;
    match answer.get("grpc-status").unwrap().to_str().unwrap() {
        "0" => THROUGH.to_owned(),
        code => code.to_owned(),
    }
}

async fn outside_any_tenant(plan: Plan) -> String {
    let fixture = plan.open().await;
    let claims = tokens::claims("", &["operator"], fixture.now());
    let claims = with(
        with(claims, "tenant", Value::Null),
        "scope",
        json!("profiles.read"),
    );
    code(&fixture, UNARY, &claims).await
}

async fn internal_method(plan: Plan) -> String {
    let fixture = plan.open().await;
    let claims = with(fixture.claims(), "scope", json!("log.watch"));
    code(&fixture, WATCH_HEADS, &claims).await
}

async fn smuggled_identity(plan: Plan) -> String {
    let headers = [
        ("x-rapport-tenant", "ten_other"),
        ("x-forwarded-for", "10.0.0.1"),
    ];
    let (fixture, code) = answered(plan, &headers, None).await;
    assert_eq!(code, "0");
    let seen = fixture.upstream.last();
    let there = headers
        .iter()
        .all(|(name, _)| seen.headers.contains_key(*name));
    assert_eq!(seen.context.tenant, fixture.tenant);
    if there { THROUGH } else { "stripped" }.to_owned()
}

async fn giant_message(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut client = fixture.client(&fixture.token()).await;
    client.grpc = client.grpc.max_decoding_message_size(8 * 1024 * 1024);
    match client.unary(UNARY, &"x".repeat(5 * 1024 * 1024)).await {
        Ok(_) => THROUGH.to_owned(),
        Err(status) => i32::from(status.code()).to_string(),
    }
}

/// By Connect, whose body is read as a whole.
async fn giant_body(plan: Plan) -> String {
    let fixture = plan.open().await;
    let message = prost::Message::encode_to_vec(&"x".repeat(5 * 1024 * 1024));
    let call = request(&fixture, "POST", UNARY, "application/proto", text(message));
    let answer = fixture.front.clone().oneshot(call).await.unwrap();
    match answer.status().as_u16() {
        200 => THROUGH.to_owned(),
        status => format!("HTTP {status}"),
    }
}

async fn never_ending_call(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut call = grpc(&fixture, &[("grpc-timeout", "50m")]);
    *call.body_mut() = message("wait");
    match tokio::time::timeout(A_WHILE, fixture.front.clone().oneshot(call)).await {
        Err(_) => THROUGH.to_owned(),
        Ok(answer) => {
            let answer = answer.unwrap();
            answer.headers()["grpc-status"].to_str().unwrap().to_owned()
        }
    }
}

async fn endless_timeout(plan: Plan) -> String {
    let (fixture, code) = answered(plan, &[("grpc-timeout", "99999999H")], None).await;
    assert_eq!(code, "0");
    let left = fixture.upstream.last().left.unwrap();
    if left > Duration::from_secs(10) {
        THROUGH
    } else {
        "clamped"
    }
    .to_owned()
}

async fn unreadable_timeout(plan: Plan) -> String {
    match answered(plan, &[("grpc-timeout", "abc")], None)
        .await
        .1
        .as_str()
    {
        "0" => THROUGH.to_owned(),
        code => code.to_owned(),
    }
}

async fn foreign_page(mut plan: Plan) -> String {
    plan.config.origins = vec!["https://desk.example.com".into()];
    let fixture = plan.open().await;
    let preflight = Request::options("/v1/queues")
        .header("origin", "https://evil.example.com")
        .header("access-control-request-method", "POST")
        .body(Body::empty())
        .unwrap();
    let answer = fixture.front.clone().oneshot(preflight).await.unwrap();
    match answer.headers().get("access-control-allow-origin") {
        Some(origin) if origin == "https://evil.example.com" => THROUGH.to_owned(),
        _ => "not allowed".to_owned(),
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = calls();
    rows.extend(heads());
    rows.extend(dialects());
    rows
}

fn calls() -> Vec<Row> {
    vec![
        Row::new(
            "S17",
            "identity in headers",
            &[P::HeaderStripping],
            "stripped",
            |plan| smuggled_identity(plan).boxed_local(),
        ),
        Row::new("S22", "no scope", &[P::Scope], "7", |plan| {
            without_scope(plan).boxed_local()
        }),
        Row::new(
            "S22",
            "an operator in nobody's tenant",
            &[P::TenantRequired],
            "7",
            |plan| outside_any_tenant(plan).boxed_local(),
        ),
        Row::new(
            "S24",
            "an internal method",
            &[P::InternalMethods],
            "12",
            |plan| internal_method(plan).boxed_local(),
        )
        .behind(&[Demand::Service]),
        Row::new(
            "S30",
            "a message of 5 MiB",
            &[P::MessageSize],
            "8",
            |plan| giant_message(plan).boxed_local(),
        ),
        Row::new(
            "S30",
            "a body of 5 MiB",
            &[P::MessageSize],
            "HTTP 413",
            |plan| giant_body(plan).boxed_local(),
        ),
    ]
}

fn heads() -> Vec<Row> {
    vec![
        Row::new("S33", "text", &[P::ContentType], "HTTP 415", |plan| {
            sent(plan, |f| {
                request(f, "POST", UNARY, "text/plain", message("hello"))
            })
            .boxed_local()
        }),
        Row::new("S33", "PUT", &[P::Verb], "HTTP 405", |plan| {
            sent(plan, |f| {
                request(f, "PUT", UNARY, "application/grpc", message("hello"))
            })
            .boxed_local()
        }),
        Row::new(
            "S34",
            "300 headers",
            &[P::HeaderCount],
            "HTTP 431",
            |plan| {
                sent(plan, |f| {
                    let mut call = grpc(f, &[]);
                    for at in 0..300 {
                        let name = http::HeaderName::try_from(format!("x-{at}")).unwrap();
                        call.headers_mut().insert(name, "x".parse().unwrap());
                    }
                    call
                })
                .boxed_local()
            },
        ),
        Row::new(
            "S34",
            "a path of 8 KB",
            &[P::PathLength],
            "HTTP 431",
            |plan| {
                sent(plan, |f| {
                    let path = format!("/v1/customers/{}", "x".repeat(8 * 1024));
                    request(f, "GET", &path, "application/json", Body::empty())
                })
                .boxed_local()
            },
        ),
        Row::new(
            "S39",
            "a call that never ends",
            &[P::Deadline],
            "4",
            |plan| never_ending_call(plan).boxed_local(),
        ),
        Row::new(
            "S40",
            "all the time there is",
            &[P::DeadlineClass],
            "clamped",
            |plan| endless_timeout(plan).boxed_local(),
        ),
        Row::new(
            "S40",
            "a timeout that is none",
            &[P::TimeoutForm],
            "3",
            |plan| unreadable_timeout(plan).boxed_local(),
        ),
    ]
}

fn dialects() -> Vec<Row> {
    vec![
        Row::new(
            "S30",
            "a compressed body",
            &[P::Compression],
            "HTTP 415",
            |plan| {
                sent(plan, |f| {
                    let mut call = request(f, "POST", UNARY, "application/json", text("{}"));
                    let gzip = "gzip".parse().unwrap();
                    call.headers_mut().insert("content-encoding", gzip);
                    call
                })
                .boxed_local()
            },
        ),
        Row::new(
            "S23",
            "a field that is not there",
            &[P::UnknownFields],
            "HTTP 400",
            |plan| {
                sent(plan, |f| {
                    let body = text("{\"tenantId\":\"ten_other\"}");
                    request(f, "POST", UNARY, "application/json", body)
                })
                .boxed_local()
            },
        ),
        Row::new(
            "S23",
            "one id in the path, another in the body",
            &[P::SaidTwice],
            "HTTP 400",
            |plan| {
                sent(plan, |f| {
                    let body = text("{\"customerId\":\"cus_2\"}");
                    request(
                        f,
                        "POST",
                        "/v1/customers/cus_1:merge",
                        "application/json",
                        body,
                    )
                })
                .boxed_local()
            },
        ),
        Row::new(
            "S34",
            "a query without end",
            &[P::QueryFields],
            "HTTP 400",
            |plan| {
                sent(plan, |f| {
                    let path = format!("/v1/queues?{}", "page_size=1&".repeat(201));
                    request(f, "GET", &path, "application/json", Body::empty())
                })
                .boxed_local()
            },
        ),
        Row::new(
            "CORS",
            "a page of somebody else",
            &[P::Origins],
            "not allowed",
            |plan| foreign_page(plan).boxed_local(),
        ),
    ]
}
