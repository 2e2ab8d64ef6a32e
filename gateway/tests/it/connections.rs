//! The listener: bytes on the wire, limits, TLS, the end.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rapport_foundation::channel::{Channel, Tls};
use rapport_foundation::service::{DrainConfig, Stopped, TlsFiles, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::client::Grpc;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{Fixture, Plan};
use crate::upstream::{SERVER_STREAM, UNARY};
use crate::wire::{self, Wire};

/// A bare HTTP/2 connection.
async fn http2(fixture: &Fixture) -> http2::SendRequest<Empty<bytes::Bytes>> {
    let stream = TcpStream::connect(fixture.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(fixture: &Fixture, name: &str, value: &str) -> Request<Empty<bytes::Bytes>> {
    Request::post(format!("http://{}{UNARY}", fixture.address))
        .header("content-type", "application/grpc")
        .header(name, value)
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn a_refusal_is_headers_only_with_http_200() {
    let fixture = Fixture::open().await;
    let mut sender = http2(&fixture).await;
    let answer = sender
        .send_request(request(&fixture, "te", "trailers"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers().get("content-type").unwrap(),
        "application/grpc"
    );
    assert_eq!(answer.headers().get("grpc-status").unwrap(), "16");
    assert!(
        hyper::body::Body::is_end_stream(answer.body()),
        "END_STREAM on the headers"
    );
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .trailers()
            .is_none()
    );
}

#[tokio::test]
async fn headers_beyond_the_limit_never_reach_a_service() {
    let fixture = Fixture::open().await;
    let mut sender = http2(&fixture).await;
    let answer = sender
        .send_request(request(&fixture, "x-much", &"a".repeat(20 * 1024)))
        .await;
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), 431);
    }
    assert_eq!(fixture.upstream.calls(), 0);
}

#[tokio::test]
async fn health_needs_no_token_and_follows_readiness() {
    let fixture = Fixture::open().await;
    let channel = Channel::connect(&format!("http://{}", fixture.address), None).unwrap();
    let mut health = HealthClient::new(channel);
    let status = health
        .check(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner()
        .status();
    assert_eq!(status, ServingStatus::Serving);
    fixture.readiness.not_ready().await;
    let status = health
        .check(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner()
        .status();
    assert_eq!(status, ServingStatus::NotServing);
}

#[tokio::test]
async fn whoever_says_nothing_or_nonsense_is_cut_off() {
    let mut plan = Plan::default();
    plan.config.limits.handshake_ms = 100;
    let fixture = plan.open().await;
    for said in [&b""[..], b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(fixture.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest));
        // Closed in order or reset: both are an end.
        let _ = ended
            .await
            .unwrap_or_else(|_| panic!("still open after {said:?}"));
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_those_that_are_open_stay() {
    let mut plan = Plan::default();
    plan.config.limits.connections = 1;
    let fixture = plan.open().await;
    let first = fixture.client(&fixture.token()).await;
    assert!(first.unary(UNARY, "hello").await.is_ok());
    let second = fixture.client(&fixture.token()).await;
    assert_eq!(
        second.unary(UNARY, "hello").await.unwrap_err().code(),
        Code::Unavailable
    );
    assert!(first.unary(UNARY, "hello").await.is_ok());
}

#[tokio::test]
async fn metadata_that_is_more_than_a_line_never_reaches_a_service() {
    let fixture = Fixture::open().await;
    for value in ["a\r\nx-rapport-tenant: b", "a\nb", "a\0b"] {
        let mut wire = Wire::open(&fixture, &[]).await;
        let mut block = wire::call(UNARY, &fixture.token());
        block.extend(wire::block(&[("x-own", value)]));
        let flags = wire::END_HEADERS | wire::END_STREAM;
        wire.send(&wire::frame(wire::HEADERS, flags, 1, &block))
            .await;
        let end = |frame: &wire::Frame| matches!(frame.kind, wire::RST_STREAM | wire::GOAWAY);
        assert!(wire.until(end).await.is_some(), "{value:?}");
    }
    assert_eq!(fixture.upstream.calls(), 0);
}

/// A PROXY header of version 2 for a connection from this address.
pub(crate) fn proxied(address: [u8; 4]) -> Vec<u8> {
    let ports = [0, 1, 0, 2];
    [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &address,
        &[127, 0, 0, 1],
        &ports,
    ]
    .concat()
}

#[tokio::test]
async fn behind_a_balancer_clients_are_told_apart_by_what_it_says() {
    let mut plan = Plan::default();
    plan.config.listen.proxy_protocol = true;
    plan.config.limits.connections_per_client = 1;
    plan.config.limits.handshake_ms = 1_000;
    let fixture = plan.open().await;
    let call = wire::whole_call(1, UNARY, &fixture.token(), "hello");
    let mut open = Vec::new();
    for (address, served) in [
        ([192, 0, 2, 1], true),
        ([192, 0, 2, 1], false),
        ([192, 0, 2, 2], true),
    ] {
        let mut wire = Wire::silent(&fixture).await;
        wire.send(&proxied(address)).await;
        wire.begin(&[]).await;
        wire.send(&call).await;
        let answer = wire.until(|frame| frame.kind == wire::HEADERS).await;
        assert_eq!(answer.is_some(), served, "{address:?}");
        open.push(wire);
    }
    // Who comes without a header came past the balancer.
    let mut wire = Wire::open(&fixture, &[]).await;
    wire.send(&call).await;
    let answer = wire.until(|frame| frame.kind == wire::HEADERS).await;
    assert_eq!(answer, None);
}

#[tokio::test]
async fn the_end_tells_streams_to_come_again_and_lets_calls_finish() {
    let fixture = Fixture::open().await;
    let client = fixture.client(&fixture.token()).await;
    let mut answers = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        answers.message().await.unwrap();
    }
    let Fixture {
        tasks,
        readiness,
        env,
        ..
    } = fixture;
    let shutdown = env.env.shutdown.clone();
    let config = DrainConfig::default();
    let (stopped, status) = tokio::join!(
        run(tasks, async {}, &readiness, &shutdown, &config),
        async { answers.message().await.unwrap_err() }
    );
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(stopped, Stopped::Cleanly);
}

#[tokio::test]
async fn tls_speaks_http2_to_those_who_know_the_authority() {
    let key = rcgen::generate_simple_self_signed(["gate.test".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate_file, key.cert.pem()).unwrap();
    std::fs::write(&key_file, key.signing_key.serialize_pem()).unwrap();
    let mut plan = Plan::default();
    plan.config.listen.tls = Some(TlsFiles {
        certificate_file,
        key_file,
        client_ca_file: None,
    });
    let fixture = plan.open().await;

    let url = format!("https://{}", fixture.address);
    let tls = Tls {
        ca: key.cert.pem().into_bytes(),
        server_name: Some("gate.test".into()),
        identity: None,
    };
    let mut client = fixture.client(&fixture.token()).await;
    client.grpc = Grpc::new(Channel::connect(&url, Some(&tls)).unwrap());
    assert_eq!(
        client.unary(UNARY, "hello").await.unwrap().into_inner(),
        "HELLO"
    );

    let stranger = rcgen::generate_simple_self_signed(["gate.test".to_owned()]).unwrap();
    let tls = Tls {
        ca: stranger.cert.pem().into_bytes(),
        ..tls
    };
    client.grpc = Grpc::new(Channel::connect(&url, Some(&tls)).unwrap());
    assert_eq!(
        client.unary(UNARY, "hello").await.unwrap_err().code(),
        Code::Unavailable
    );
}
