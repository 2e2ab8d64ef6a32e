//! Credentials that are not valid, presented without end: whom that shuts out, and whom it does not.

use std::collections::HashMap;

use http::Request;
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::connections::proxied;
use crate::fixture::{Fixture, Plan};
use crate::tokens::Key;
use crate::upstream::UNARY;
use crate::wire::{self, Wire};

const BURST: u32 = 5;

fn impatient() -> Plan {
    let mut plan = Plan::default();
    plan.config.auth.refused_per_second = 1;
    plan.config.auth.refused_burst = BURST;
    plan
}

/// A token with an honest header and claims, signed by a stranger.
fn made_up(fixture: &Fixture) -> String {
    Key::es256("first").token(&fixture.claims())
}

/// One of the tenant's tokens, another at each call.
fn good(fixture: &Fixture, subject: u32) -> String {
    let claims = crate::tokens::with(fixture.claims(), "sub", format!("agent {subject}").into());
    fixture.key.token(&claims)
}

async fn answer(fixture: &Fixture, token: &str) -> Result<(), Status> {
    let client = fixture.client(token).await;
    client.unary(UNARY, "hello").await.map(|_| ())
}

async fn exhaust(fixture: &Fixture) -> Status {
    let bad = made_up(fixture);
    let mut refused = 0;
    loop {
        let status = answer(fixture, &bad).await.unwrap_err();
        if status.code() == Code::ResourceExhausted {
            // One may have come back meanwhile.
            assert!((BURST..BURST + 5).contains(&refused), "{refused}");
            return status;
        }
        assert_eq!(status.code(), Code::Unauthenticated);
        refused += 1;
        assert!(refused < 100, "without end");
    }
}

#[tokio::test]
async fn who_is_known_goes_on_while_a_neighbour_behind_the_same_address_presents_bad_ones() {
    let fixture = impatient().open().await;
    let known = good(&fixture, 0);
    answer(&fixture, &known).await.unwrap();
    let status = exhaust(&fixture).await;
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "TOO_MANY_REFUSED");
    let wait = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(!wait.is_zero() && wait.as_secs() <= 1);
    for _ in 0..20 {
        answer(&fixture, &known).await.unwrap();
    }
    // Seen for the first time: it waits as told, and no longer.
    let new = good(&fixture, 1);
    if let Err(status) = answer(&fixture, &new).await {
        assert_eq!(status.code(), Code::ResourceExhausted);
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        answer(&fixture, &new).await.unwrap();
    }
    assert_eq!(
        answer(&fixture, "").await.unwrap_err().code(),
        Code::Unauthenticated,
        "who presents nothing has nothing checked"
    );
}

#[tokio::test]
async fn good_ones_take_nothing_however_many_there_are() {
    let fixture = impatient().open().await;
    for subject in 0..BURST * 4 {
        answer(&fixture, &good(&fixture, subject)).await.unwrap();
    }
}

/// A good signature is not all: what would be checked anew at every call is as bad as a bad one.
#[tokio::test]
async fn the_signature_of_somebody_who_is_not_let_in_is_not_checked_without_end_either() {
    let fixture = impatient().open().await;
    let nowhere = rapport_foundation::id::TenantId::new(fixture.clock.now());
    let claims = crate::tokens::with(fixture.claims(), "tenant", nowhere.to_string().into());
    let token = fixture.key.token(&claims);
    let mut codes = HashMap::new();
    for _ in 0..BURST * 3 {
        let status = answer(&fixture, &token).await.unwrap_err();
        *codes.entry(status.code() as i32).or_insert(0) += 1;
    }
    assert!(
        codes[&(Code::ResourceExhausted as i32)] >= BURST,
        "{codes:?}"
    );
}

#[tokio::test]
async fn behind_a_balancer_each_client_has_its_own() {
    let mut plan = impatient();
    plan.config.listen.proxy_protocol = true;
    let fixture = plan.open().await;
    let bad = wire::whole_call(1, UNARY, &made_up(&fixture), "hello");
    let good = wire::whole_call(1, UNARY, &fixture.token(), "hello");
    let code = async |address: [u8; 4], call: &[u8]| {
        let mut wire = Wire::silent(&fixture).await;
        wire.send(&proxied(address)).await;
        wire.begin(&[]).await;
        wire.send(call).await;
        let answer = wire.until(|frame| frame.kind == wire::HEADERS).await;
        // Trailers alone: the answer ends with its headers.
        answer.unwrap().flags & wire::END_STREAM == 0
    };
    // One may come back at any moment: of so many, some find nothing left.
    let mut not_looked_at = 0;
    for subject in 0..BURST * 4 {
        assert!(!code([192, 0, 2, 1], &bad).await);
        let new = wire::whole_call(1, UNARY, &self::good(&fixture, subject), "hello");
        not_looked_at += u32::from(!code([192, 0, 2, 1], &new).await);
    }
    assert!(not_looked_at > BURST, "{not_looked_at}");
    assert!(code([192, 0, 2, 2], &good).await);
    assert!(code([192, 0, 2, 1], &good).await, "remembered now");
}

/// The same in every protocol: the client is not lost on the way.
#[tokio::test]
async fn in_json_it_is_too_many_requests() {
    let fixture = impatient().open().await;
    exhaust(&fixture).await;
    let url = format!("http://{}/v1/customers/x", fixture.address);
    let request = Request::get(url)
        .header("authorization", format!("Bearer {}", made_up(&fixture)))
        .body(Body::empty())
        .unwrap();
    let channel =
        rapport_foundation::channel::Channel::connect(&format!("http://{}", fixture.address), None);
    let response = channel.unwrap().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("TOO_MANY_REFUSED"), "{text}");
}
