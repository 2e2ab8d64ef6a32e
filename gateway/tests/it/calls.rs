//! Calls of all four kinds, to a service in this process and to one behind a socket.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{Fixture, Plan, Way};
use crate::upstream::{BIDI, SERVER_STREAM, UNARY};

const WAYS: [Way; 2] = [Way::Embedded, Way::Split];

async fn open(way: Way) -> Fixture {
    Plan {
        way,
        ..Plan::default()
    }
    .open()
    .await
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what)
        .await
        .expect("in time")
}

#[tokio::test]
async fn a_unary_call_goes_through_with_its_answer_or_its_error_in_full() {
    for way in WAYS {
        let fixture = open(way).await;
        let client = fixture.client(&fixture.token()).await;
        let answer = client
            .clone()
            .with("x-request-id", "order-7")
            .unary(UNARY, "hello")
            .await
            .unwrap();
        assert_eq!(answer.metadata().get("x-request-id").unwrap(), "order-7");
        assert_eq!(answer.into_inner(), "HELLO");
        assert_eq!(
            fixture.upstream.last().headers.get("x-request-id").unwrap(),
            "order-7"
        );

        let answer = client
            .clone()
            .with("x-request-id", "two words")
            .unary(UNARY, "hello")
            .await
            .unwrap();
        let id = answer.metadata().get("x-request-id").unwrap();
        assert!(
            id.len() == 32 && id != "two words",
            "an own id instead of a strange one"
        );

        let status = client.unary(UNARY, "fail").await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.metadata["id"].as_str()),
            ("NOT_FOUND", "cus_x")
        );
        assert_eq!(
            client.unary(UNARY, "panic").await.unwrap_err().code(),
            Code::Internal
        );
    }
}

#[tokio::test]
async fn a_server_stream_brings_its_messages_and_then_its_error() {
    for way in WAYS {
        let fixture = open(way).await;
        let client = fixture.client(&fixture.token()).await;
        let answers: Vec<_> = client
            .watch(SERVER_STREAM, "go")
            .await
            .unwrap()
            .collect()
            .await;
        let texts: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(texts, ["1", "2", "3"]);

        let mut answers = client.watch(SERVER_STREAM, "fail").await.unwrap();
        for _ in 0..3 {
            answers.next().await.unwrap().unwrap();
        }
        let status = answers.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Aborted);
        assert_eq!(status.get_details_error_info().unwrap().reason, "ENOUGH");
    }
}

#[tokio::test]
async fn a_client_stream_is_answered_at_its_end() {
    for way in WAYS {
        let fixture = open(way).await;
        let client = fixture.client(&fixture.token()).await;
        let messages = futures::stream::iter(["+a", "+b", "+c"].map(str::to_owned));
        let answers: Vec<_> = client
            .converse(BIDI, messages)
            .await
            .unwrap()
            .collect()
            .await;
        let texts: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(texts, ["+a+b+c"]);
    }
}

#[tokio::test]
async fn a_conversation_goes_to_and_fro() {
    for way in WAYS {
        let fixture = open(way).await;
        let client = fixture.client(&fixture.token()).await;
        let (sender, receiver) = mpsc::unbounded_channel();
        sender.send("0".to_owned()).unwrap();
        let mut answers = client
            .converse(BIDI, UnboundedReceiverStream::new(receiver))
            .await
            .unwrap();
        for turn in 0..50 {
            let answer = within(answers.next()).await.unwrap().unwrap();
            assert_eq!(answer, format!("re: {turn}"));
            sender.send((turn + 1).to_string()).unwrap();
        }
        drop(sender);
        let rest: Vec<_> = within(answers.collect()).await;
        assert_eq!(rest.len(), 1);
    }
}

#[tokio::test]
async fn a_deadline_is_answered_with_4_and_ends_the_handler() {
    for way in WAYS {
        let mut fixture = open(way).await;
        let bearer = format!("Bearer {}", fixture.token());
        for timeout in ["50m", "1n"] {
            // Without a socket between, so that no client's own timer can be first.
            let request = crate::fixture::message("wait");
            let mut request = http::Request::post(UNARY).body(request).unwrap();
            for (name, value) in [
                ("content-type", "application/grpc"),
                ("authorization", &bearer),
                ("grpc-timeout", timeout),
            ] {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            let answer = within(tower::ServiceExt::oneshot(fixture.front.clone(), request))
                .await
                .unwrap();
            assert_eq!(
                answer.headers().get("grpc-status").unwrap(),
                "4",
                "{timeout} {way:?}"
            );
            if timeout == "50m" {
                within(fixture.dropped.recv()).await.unwrap();
            }
        }
        let seen = fixture.upstream.last();
        assert!(!seen.headers.contains_key("grpc-timeout"));
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_ends_the_handler() {
    for way in WAYS {
        let mut fixture = open(way).await;
        let client = fixture.client(&fixture.token()).await;
        let mut answers = client.watch(SERVER_STREAM, "wait").await.unwrap();
        answers.next().await.unwrap().unwrap();
        drop(answers);
        within(fixture.dropped.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    for way in WAYS {
        let mut fixture = open(way).await;
        let client = fixture.client(&fixture.token()).await;
        let mut answers = client.watch(SERVER_STREAM, "wait").await.unwrap();
        for _ in 0..3 {
            answers.next().await.unwrap().unwrap();
        }
        fixture.clock.advance(Duration::from_secs(3600 + 31));
        let status = within(answers.next()).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        within(fixture.dropped.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_unavailable_with_a_hint_to_retry() {
    let fixture = Fixture::open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nowhere = rapport_foundation::channel::Channel::connect(&url, None).unwrap();
    fixture
        .env
        .house
        .neighbours
        .set(rapport_foundation::role::Role::Profiles, nowhere);
    let client = fixture.client(&fixture.token()).await;
    let status = client.unary(UNARY, "hello").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().is_some());
    assert!(!status.message().contains("127.0.0.1"));
}
