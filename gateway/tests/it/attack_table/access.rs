//! Attacks by keys, certificates and rights, and by what was revoked: S1, S14, S58.

use std::time::Duration;

use futures::FutureExt as _;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_gateway::domain::key_text;
use rapport_gateway::{ClientCertificates, Protection as P};
use rapport_proto::access::v1::revoke_tokens_request::Target;
use rapport_proto::access::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, PrincipalTarget, RevokeTokensRequest, TenantTarget,
    TokenTarget,
};
use serde_json::json;

use super::{Row, THROUGH, outcome};
use crate::api_keys::{revoke, rotate};
use crate::certificates::House;
use crate::fixture::{Fixture, Plan};
use crate::staff::{Desk, READ, asked, made, new_key, reason, request_id};
use crate::tokens::{ISSUER, with};
use crate::upstream::{SERVER_STREAM, UNARY};

const READ_LOG: &str = "/rapport.loyalty.v1.LogService/ReadLog";

/// How long something must go on before it counts as not ended.
const A_WHILE: Duration = Duration::from_millis(500);

/// A gateway, somebody who manages its tenant's keys, and one that was made.
struct Keyed {
    fixture: Fixture,
    desk: Desk,
    manager: String,
    key: CreateApiKeyResponse,
}

impl Keyed {
    async fn open(plan: Plan) -> Self {
        Keyed::with(plan, |_| new_key(&[READ])).await
    }

    async fn with(plan: Plan, wanted: fn(&Fixture) -> CreateApiKeyRequest) -> Self {
        let fixture = plan.open().await;
        let mut desk = Desk::of(&fixture);
        let manager = fixture.manager(&[READ]);
        let wanted = asked(&manager, wanted(&fixture));
        let key = desk.keys.create_api_key(wanted).await.unwrap().into_inner();
        Keyed {
            fixture,
            desk,
            manager,
            key,
        }
    }

    async fn code(&self, text: &str) -> String {
        outcome(&self.fixture.code(text).await)
    }

    fn id(&self) -> &str {
        &made(&self.key).id
    }
}

async fn a_guessed_secret(plan: Plan) -> String {
    let it = Keyed::open(plan).await;
    let guess = key_text::compose(&made(&it.key).prefix, &[7; key_text::SECRET_BYTES]);
    it.code(&guess).await
}

async fn a_replaced_secret(plan: Plan) -> String {
    let mut it = Keyed::open(plan).await;
    let wanted = asked(&it.manager, rotate(it.id(), 0));
    it.desk.keys.rotate_api_key(wanted).await.unwrap();
    it.code(&it.key.secret).await
}

async fn a_revoked_key(plan: Plan) -> String {
    let mut it = Keyed::open(plan).await;
    assert_eq!(it.code(&it.key.secret).await, THROUGH);
    let wanted = asked(&it.manager, revoke(it.id()));
    it.desk.keys.revoke_api_key(wanted).await.unwrap();
    it.code(&it.key.secret).await
}

async fn a_key_beyond_its_end(plan: Plan) -> String {
    let it = Keyed::with(plan, |fixture| CreateApiKeyRequest {
        expire_time: Some((fixture.clock.now() + Duration::from_secs(60)).into()),
        ..new_key(&[READ])
    })
    .await;
    it.fixture.clock.advance(Duration::from_secs(60));
    it.code(&it.key.secret).await
}

async fn a_key_beside_a_token(plan: Plan) -> String {
    let it = Keyed::open(plan).await;
    let bearer = format!("Bearer {}", it.fixture.token());
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-api-key", &it.key.secret),
    ];
    let (_, answer) = it.fixture.answer(UNARY, &headers).await;
    outcome(answer.get("grpc-status").unwrap().to_str().unwrap())
}

/// A manager makes a key that may do what the manager may not.
async fn a_right_that_is_not_held(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut desk = Desk::of(&fixture);
    let manager = fixture.manager(&[]);
    let wanted = asked(&manager, new_key(&["log.read"]));
    match desk.keys.create_api_key(wanted).await {
        Ok(key) => {
            let client = fixture.client(&key.into_inner().secret).await;
            client.watch(READ_LOG, "x").await.unwrap();
            THROUGH.to_owned()
        }
        Err(status) => format!("{} {}", i32::from(status.code()), reason(&status)),
    }
}

fn revocation(target: Target) -> RevokeTokensRequest {
    RevokeTokensRequest {
        request_id: request_id(),
        target: Some(target),
        ..RevokeTokensRequest::default()
    }
}

fn the_token() -> Target {
    Target::Token(TokenTarget {
        issuer: ISSUER.into(),
        token_id: "t1".into(),
    })
}

fn the_principal() -> Target {
    Target::Principal(PrincipalTarget {
        issuer: ISSUER.into(),
        principal: "anna".into(),
    })
}

/// A token that was used, and then revoked.
async fn a_revoked_token(plan: Plan, target: Target) -> String {
    let fixture = plan.open().await;
    let token = fixture
        .key
        .token(&with(fixture.claims(), "jti", json!("t1")));
    assert_eq!(fixture.code(&token).await, "0");
    let mut desk = Desk::of(&fixture);
    desk.revoke(&fixture.manager(&[]), revocation(target)).await;
    outcome(&fixture.code(&token).await)
}

async fn a_stream_beyond_a_revocation(plan: Plan) -> String {
    let fixture = plan.open().await;
    let client = fixture.client(&fixture.token()).await;
    let mut answers = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        answers.message().await.unwrap();
    }
    let mut desk = Desk::of(&fixture);
    desk.revoke(&fixture.manager(&[]), revocation(the_principal()))
        .await;
    match tokio::time::timeout(A_WHILE, answers.message()).await {
        Err(_) => THROUGH.to_owned(),
        Ok(ended) => i32::from(ended.unwrap_err().code()).to_string(),
    }
}

/// The answer to whom a certificate names like this, with so many days to its end.
async fn certified(plan: Plan, uris: fn(&House) -> Vec<String>, days: u32) -> String {
    let plan = Plan {
        clock: Clock::system(),
        ..plan
    };
    let house = House::of(plan, ClientCertificates::Required).await;
    let identity = house.clients.client_for(&uris(&house), days);
    let code = house.code(Some(&identity), "").await;
    outcome(&i32::from(code).to_string())
}

async fn a_connection_beyond_its_certificate(plan: Plan) -> String {
    let plan = Plan {
        clock: Clock::manual(Clock::system().now()),
        ..plan
    };
    let house = House::of(plan, ClientCertificates::Required).await;
    let shop = house.clients.client_for(&[shop(&house)], 1);
    let client = house.client(Some(&shop), "").await;
    client.unary(UNARY, "x").await.unwrap();
    house.fixture.clock.advance(Duration::from_secs(2 * 86_400));
    match client.unary(UNARY, "x").await {
        Ok(_) => THROUGH.to_owned(),
        Err(status) => i32::from(status.code()).to_string(),
    }
}

fn shop(house: &House) -> String {
    house.id("connector/shop")
}

/// Whoever cuts the gateway off from its database before a credential is revoked.
async fn a_revocation_that_cannot_come_here(mut plan: Plan) -> String {
    plan.config.tenant_refresh_ms = 100;
    plan.config.tenant_stale_ms = 500;
    let fixture = plan.open().await;
    let token = fixture.token();
    assert_eq!(fixture.code(&token).await, "0");
    fixture.env.db.close().await;
    eventually("the gateway knows that it is cut off", async || {
        (!fixture.readiness.is_ready()).then_some(())
    })
    .await;
    outcome(&fixture.code(&token).await)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = keys();
    rows.extend(revocations());
    rows.extend(certificates());
    rows
}

fn keys() -> Vec<Row> {
    vec![
        Row::new("S1", "a guessed secret", &[P::KeySecret], "16", |plan| {
            a_guessed_secret(plan).boxed_local()
        }),
        Row::new("S1", "a replaced secret", &[P::KeySecret], "16", |plan| {
            a_replaced_secret(plan).boxed_local()
        }),
        Row::new("S14", "a revoked key", &[P::KeyRotation], "16", |plan| {
            a_revoked_key(plan).boxed_local()
        }),
        Row::new(
            "S11",
            "a key beyond its end",
            &[P::KeyExpiry, P::Expiry],
            "16",
            |plan| a_key_beyond_its_end(plan).boxed_local(),
        ),
        Row::new(
            "S1",
            "a key beside a token",
            &[P::OneCredential],
            "16",
            |plan| a_key_beside_a_token(plan).boxed_local(),
        ),
        Row::new(
            "S22",
            "a right that is not held",
            &[P::Grant],
            "7 GRANT_NOT_HELD",
            |plan| a_right_that_is_not_held(plan).boxed_local(),
        ),
    ]
}

fn revocations() -> Vec<Row> {
    vec![
        Row::new(
            "S14",
            "revoked where the gateway cannot hear of it",
            &[P::Stale],
            "14",
            |plan| a_revocation_that_cannot_come_here(plan).boxed_local(),
        ),
        Row::new("S14", "a revoked token", &[P::Revocation], "16", |plan| {
            a_revoked_token(plan, the_token()).boxed_local()
        }),
        Row::new(
            "S14",
            "a revoked principal",
            &[P::Revocation],
            "16",
            |plan| a_revoked_token(plan, the_principal()).boxed_local(),
        ),
        Row::new(
            "S14",
            "a tenant's epoch raised",
            &[P::Revocation],
            "16",
            |plan| a_revoked_token(plan, Target::Tenant(TenantTarget {})).boxed_local(),
        ),
        Row::new(
            "S14",
            "a stream beyond its revocation",
            &[P::Revocation],
            "16",
            |plan| a_stream_beyond_a_revocation(plan).boxed_local(),
        ),
    ]
}

fn certificates() -> Vec<Row> {
    vec![
        Row::new(
            "S58",
            "a certificate of another trust domain",
            &[P::TrustDomain],
            "16",
            |plan| {
                let elsewhere =
                    |house: &House| vec![shop(house).replace("example.org", "example.com")];
                certified(plan, elsewhere, 30).boxed_local()
            },
        ),
        Row::new(
            "S58",
            "a certificate of two principals",
            &[P::OneSpiffeId],
            "16",
            |plan| {
                let two = |house: &House| vec![shop(house), house.id("connector/other")];
                certified(plan, two, 30).boxed_local()
            },
        ),
        Row::new(
            "S58",
            "a certificate for years",
            &[P::Lifetime],
            "16",
            |plan| certified(plan, |house| vec![shop(house)], 800).boxed_local(),
        ),
        Row::new(
            "S58",
            "a connection beyond its certificate",
            &[P::Expiry],
            "16",
            |plan| a_connection_beyond_its_certificate(plan).boxed_local(),
        ),
    ]
}
