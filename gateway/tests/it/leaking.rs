//! What a caller says is in no log line and no span of the gateway, whatever the protocol, and whether it is understood or
//! not: the gateway reads bodies of JSON, and paths and questions of all.

use http::header::CONTENT_TYPE;
use rapport_foundation::testing::Captured;

use crate::dialects::{request, send};
use crate::fixture::Fixture;
use crate::upstream::UNARY;

const CARD: &str = "4111 1111 1111 1111";
const PLAIN: &str = "4111111111111111";

/// Bodies that are right, wrong, broken off, and none at all.
fn bodies() -> [String; 5] {
    [
        format!(
            r#"{{"interaction": {{"external_id": "m-1", "kind": "INTERACTION_KIND_MESSAGE", "subject": "{CARD}",
            "parts": [{{"text": "my card is {PLAIN}"}}], "attributes": {{"note": "{CARD}"}}}}}}"#
        ),
        format!(r#"{{"interaction": {{"{PLAIN}": "{CARD}"}}}}"#),
        format!(r#"{{"interaction": {{"kind": "{CARD}", "event_time": "{PLAIN}"}}}}"#),
        format!(r#"{{"interaction": {{"subject": "{CARD}"#),
        format!("{CARD} {PLAIN}"),
    ]
}

fn absent(captured: &Captured) {
    let digits = |text: &str| text.contains(CARD) || text.contains(PLAIN);
    for line in captured.lines().lines() {
        assert!(!digits(line), "a log line: {line}");
    }
    for span in captured.spans() {
        assert!(!digits(&span), "a span: {span}");
    }
}

#[tokio::test]
async fn what_callers_say_is_in_no_log_line_and_no_span() {
    let captured = Captured::here();
    let fixture = Fixture::open().await;
    let mut told = Vec::new();
    for body in bodies() {
        for (path, kind) in [
            ("/v1/interactions", "application/json"),
            (
                "/rapport.interactions.v1.InteractionService/RecordInteraction",
                "application/json",
            ),
            (
                "/rapport.interactions.v1.InteractionService/RecordInteraction",
                "application/connect+json",
            ),
            (UNARY, "application/grpc"),
            (UNARY, "application/grpc-web+proto"),
            (UNARY, "application/grpc-web-text"),
        ] {
            let mut call = request(&fixture, "POST", path, body.clone());
            call.headers_mut()
                .insert(CONTENT_TYPE, kind.parse().unwrap());
            told.push(send(&fixture, call).await.status);
        }
    }
    for path in [
        format!("/v1/interactions:search?query={PLAIN}"),
        format!("/v1/interactions:search?{PLAIN}=1"),
        format!("/v1/customers/{PLAIN}"),
        format!("/v1/{PLAIN}"),
        format!("/{PLAIN}/{PLAIN}"),
    ] {
        told.push(
            send(&fixture, request(&fixture, "GET", &path, ""))
                .await
                .status,
        );
    }
    assert!(told.iter().any(|status| status.is_client_error()));
    assert!(!captured.spans().is_empty() && !captured.lines().is_empty());
    absent(&captured);
}

/// What would be seen if there were a leak.
#[tokio::test]
async fn a_leak_would_be_seen() {
    let captured = Captured::here();
    tracing::trace!(said = CARD);
    assert!(captured.lines().contains(CARD));
}
