//! What is not a proper gRPC call.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tonic::Code;
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::fixture::{Fixture, Plan, Way};
use crate::upstream::{BIDI, UNARY};

async fn send(fixture: &Fixture, request: Request<Body>) -> (http::StatusCode, HeaderMap) {
    let (parts, body) = fixture
        .front
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .into_parts();
    let mut headers = parts.headers;
    if let Some(trailers) = body.collect().await.unwrap().trailers() {
        headers.extend(trailers.clone());
    }
    (parts.status, headers)
}

#[tokio::test]
async fn what_no_protocol_of_ours_begins_with_is_turned_away_as_http() {
    let fixture = Fixture::open().await;
    for (method, content_type, expected) in [
        ("GET", "application/grpc", 405),
        ("PUT", "application/grpc", 405),
        ("GET", "application/json", 405),
        ("POST", "text/plain", 415),
        ("POST", "application/connect+json", 415),
        ("POST", "application/grpcx", 415),
        ("POST", "", 415),
        ("POST", "application/grpc+json", 200),
        ("POST", "application/grpc;charset=utf-8", 200),
        ("POST", "Application/GRPC", 200),
    ] {
        let request = Request::builder().method(method).uri(UNARY);
        let request = if content_type.is_empty() {
            request
        } else {
            request.header("content-type", content_type)
        };
        let (status, headers) = send(&fixture, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, expected, "{method} {content_type}");
        assert!(headers.contains_key("x-request-id"));
    }
}

#[tokio::test]
async fn methods_that_do_not_exist_are_told_apart_only_with_a_token() {
    let fixture = Fixture::open().await;
    let bearer = format!("Bearer {}", fixture.token());
    for path in [
        "/rapport.profiles.v1.CustomerService/Nothing",
        "/rapport.profiles.v1.CustomerService/getcustomer",
        "/rapport.profiles.v1.CustomerService/GetCustomer/",
        "//rapport.profiles.v1.CustomerService/GetCustomer",
        "/rapport.profiles.v1.customerservice/GetCustomer",
        "/rapport.profiles.v1.CustomerService/../CustomerService/GetCustomer",
        "/rapport.profiles.v1.CustomerService%2fGetCustomer",
        "/nobody.v1.Service/Method",
        "/rapport.profiles.v1.LogService/WatchHeads",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetTopChannels",
        "/",
    ] {
        let (_, headers) = fixture.answer(path, &[]).await;
        assert_eq!(headers.get("grpc-status").unwrap(), "16", "{path}");
        let (_, headers) = fixture.answer(path, &[("authorization", &bearer)]).await;
        assert_eq!(headers.get("grpc-status").unwrap(), "12", "{path}");
    }
    assert_eq!(fixture.upstream.calls(), 0);
    let (_, headers) = fixture
        .answer(&format!("{UNARY}?a=b"), &[("authorization", &bearer)])
        .await;
    assert_eq!(
        headers.get("grpc-status").unwrap(),
        "0",
        "a query says nothing in gRPC"
    );
}

#[tokio::test]
async fn a_timeout_that_cannot_be_read_is_refused() {
    let fixture = Fixture::open().await;
    let bearer = format!("Bearer {}", fixture.token());
    for timeout in ["abc", "-1S", "", "1", "123456789S"] {
        let headers = [
            ("authorization", bearer.as_str()),
            ("grpc-timeout", timeout),
        ];
        let (_, headers) = fixture.answer(UNARY, &headers).await;
        assert_eq!(headers.get("grpc-status").unwrap(), "3", "{timeout}");
    }
    let headers = [
        ("authorization", bearer.as_str()),
        ("grpc-timeout", "99999999H"),
    ];
    let (_, headers) = fixture.answer(UNARY, &headers).await;
    assert_eq!(headers.get("grpc-status").unwrap(), "0");
    assert!(fixture.upstream.last().left.unwrap() <= std::time::Duration::from_secs(10));
}

/// A body that announces a message and sends only its beginning.
fn announcing(length: u32, sent: usize) -> Body {
    let mut first = vec![0];
    first.extend(length.to_be_bytes());
    first.extend(vec![7; sent]);
    let frames = futures::stream::iter([Ok::<_, std::convert::Infallible>(Frame::data(
        Bytes::from(first),
    ))]);
    Body::new(StreamBody::new(futures::StreamExt::chain(
        frames,
        futures::stream::pending(),
    )))
}

#[tokio::test]
async fn a_message_that_announces_too_much_is_refused_before_it_arrives() {
    for way in [Way::Embedded, Way::Split] {
        let fixture = Plan {
            way,
            ..Plan::default()
        }
        .open()
        .await;
        for path in [UNARY, BIDI] {
            for length in [4 * 1024 * 1024 + 1, u32::MAX] {
                let mut request = Request::post(path).body(announcing(length, 100)).unwrap();
                let bearer = format!("Bearer {}", fixture.token());
                request
                    .headers_mut()
                    .insert("content-type", "application/grpc".parse().unwrap());
                request
                    .headers_mut()
                    .insert("authorization", bearer.parse().unwrap());
                let answer = tokio::time::timeout(
                    std::time::Duration::from_secs(10),
                    send(&fixture, request),
                );
                let (_, headers) = answer.await.unwrap();
                assert_eq!(
                    headers.get("grpc-status").unwrap(),
                    "8",
                    "{path} {length} {way:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_refused_in_one_text() {
    let fixture = Fixture::open().await;
    let bearer = format!("Bearer {}", fixture.token());
    // Groups within groups, deeper than anybody reads.
    let nested = [0x13].repeat(200);
    let mut texts = std::collections::BTreeSet::new();
    for payload in [
        &[0x0a, 0x02, 0xff, 0xfe][..],
        &[0xff; 32],
        &[0x0a, 0x7f],
        &nested,
    ] {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let bytes = [&[0][..], &length, payload].concat();
        let request = Request::post(UNARY)
            .header("content-type", "application/grpc")
            .header("authorization", &bearer);
        let body = Body::new(http_body_util::Full::new(Bytes::from(bytes)));
        let (_, headers) = send(&fixture, request.body(body).unwrap()).await;
        assert_eq!(headers["grpc-status"], "3");
        texts.insert(headers["grpc-message"].to_str().unwrap().to_owned());
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn a_message_of_exactly_the_limit_arrives() {
    let fixture = Fixture::open().await;
    let client = fixture.client(&fixture.token()).await;
    let mut client = client;
    client.grpc = client.grpc.max_decoding_message_size(8 * 1024 * 1024);
    // Tag and length of the string are four and one bytes of the message.
    let text = "x".repeat(4 * 1024 * 1024 - 5);
    assert_eq!(
        client.unary(UNARY, &text).await.unwrap().into_inner().len(),
        text.len()
    );
    let status = client
        .unary(UNARY, &"x".repeat(4 * 1024 * 1024))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}
