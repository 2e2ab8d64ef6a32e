//! Attacks by how much is asked: S28, and by filling what the calls of others need.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use http::HeaderMap;
use rapport_gateway::domain::quota::Quota;
use rapport_gateway::{Audit, OverloadConfig, Protection as P, Quotas};
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use super::{Row, THROUGH};
use crate::fixture::{Fixture, Plan};
use crate::tokens::{self, Key, with};
use crate::upstream::UNARY;

const REDEEM: &str = "/rapport.loyalty.v1.LedgerService/HoldPoints";

/// The answer as it is in the table: code and reason, and whose quota it was that told when to come again.
fn told(headers: &HeaderMap) -> String {
    let status = tonic::Status::from_header_map(headers).unwrap();
    if status.code() == tonic::Code::Ok {
        return THROUGH.to_owned();
    }
    let details = status.get_error_details();
    let retry = details.retry_info().and_then(|retry| retry.retry_delay);
    assert!(
        retry.is_some_and(|retry| retry > Duration::ZERO && retry <= Duration::from_secs(1)),
        "{retry:?}"
    );
    let reason = &details.error_info().unwrap().reason;
    let code = i32::from(status.code());
    let quota = details.quota_failure().map(|quota| &quota.violations[0]);
    match quota {
        Some(quota) => format!("{code} {reason} {}", quota.description),
        None => format!("{code} {reason}"),
    }
}

/// Calls under way at a time: one behind the other they come too slowly on a slow machine to be too many.
const AT_ONCE: u32 = 4;

/// The first answer to so many calls, a few at a time, that lets one not through.
async fn calls(plan: Plan, path: &str, claims: fn(&Fixture) -> Value, count: u32) -> String {
    let mut plan = plan;
    plan.config.quotas = Quotas::default();
    let fixture = plan.open().await;
    let bearer = format!("Bearer {}", fixture.key.token(&claims(&fixture)));
    let headers = [("authorization", bearer.as_str())];
    for _ in 0..count.div_ceil(AT_ONCE) {
        let few = (0..AT_ONCE).map(|_| fixture.answer(path, &headers));
        let told = join_all(few)
            .await
            .into_iter()
            .map(|(_, answer)| told(&answer));
        if let Some(refused) = told.into_iter().find(|told| told != THROUGH) {
            return refused;
        }
    }
    THROUGH.to_owned()
}

fn customer(fixture: &Fixture) -> Value {
    let claims = tokens::claims(
        &fixture.tenant.to_string(),
        &["end_customer"],
        fixture.now(),
    );
    with(claims, "scope", json!("loyalty.write"))
}

/// A call beside one that takes as long as it likes.
async fn beside_a_waiting_one(plan: Plan) -> String {
    let fixture = Arc::new(plan.open().await);
    let waiting = tokio::task::spawn({
        let client = fixture.client(&fixture.token()).await;
        async move { client.unary(UNARY, "wait").await }
    });
    while fixture.upstream.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let bearer = format!("Bearer {}", fixture.token());
    let (_, answer) = fixture.answer(UNARY, &[("authorization", &bearer)]).await;
    waiting.abort();
    told(&answer)
}

async fn more_at_once(mut plan: Plan) -> String {
    plan.config.quotas.staff = Quota {
        concurrent_calls: Some(1),
        ..Quota::default()
    };
    beside_a_waiting_one(plan).await
}

async fn more_than_it_keeps_up_with(mut plan: Plan) -> String {
    plan.config.overload = OverloadConfig {
        first: 1,
        least: 1,
        most: 1,
        ..OverloadConfig::default()
    };
    beside_a_waiting_one(plan).await
}

async fn a_full_trail(mut plan: Plan) -> String {
    plan.config.audit = Audit {
        queue: 1,
        ..Audit::default()
    };
    beside_a_waiting_one(plan).await
}

/// The first answer that says more than that a credential is not valid.
async fn made_up_tokens_without_end(mut plan: Plan) -> String {
    plan.config.auth.refused_per_second = 1;
    plan.config.auth.refused_burst = 20;
    let fixture = plan.open().await;
    let stranger = Key::es256("first");
    let client = fixture.client(&stranger.token(&fixture.claims())).await;
    for _ in 0..40 {
        let status = client.unary(UNARY, "hello").await.unwrap_err();
        if status.code() != tonic::Code::Unauthenticated {
            let mut headers = HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            return told(&headers);
        }
    }
    THROUGH.to_owned()
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "a flood",
            "made-up tokens without end",
            &[P::Patience],
            "8 TOO_MANY_REFUSED",
            |plan| made_up_tokens_without_end(plan).boxed_local(),
        ),
        Row::new(
            "S28",
            "100 redeems in a second from one account",
            &[P::Rate],
            "8 RATE_EXCEEDED 5 write calls a second",
            |plan| calls(plan, REDEEM, customer, 100).boxed_local(),
        ),
        Row::new(
            "S28",
            "1,000 profiles read in a second by one agent",
            &[P::Rate],
            "8 RATE_EXCEEDED 200 read calls a second",
            |plan| calls(plan, UNARY, Fixture::claims, 1_000).boxed_local(),
        ),
        Row::new(
            "S28",
            "more calls at a time than one may have",
            &[P::Concurrency],
            "8 TOO_MANY_AT_ONCE 1 calls at a time",
            |plan| more_at_once(plan).boxed_local(),
        ),
        Row::new(
            "a flood",
            "more calls at a time than a service keeps up with",
            &[P::Overload],
            "8 OVERLOADED",
            |plan| more_than_it_keeps_up_with(plan).boxed_local(),
        ),
        Row::new(
            "a full trail",
            "calls that nobody can audit",
            &[P::Auditable],
            "14 NOT_AUDITABLE",
            |plan| a_full_trail(plan).boxed_local(),
        ),
    ]
}
