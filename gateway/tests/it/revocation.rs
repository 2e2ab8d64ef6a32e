//! Tokens that end before their time.

use std::time::{Duration, Instant};

use rapport_foundation::testing::{Engine, engines, eventually};
use rapport_gateway::store::Store;
use rapport_proto::access::v1::revoke_tokens_request::Target;
use rapport_proto::access::v1::{
    ListRevocationsRequest, PrincipalTarget, RevokeTokensRequest, TenantTarget, TokenTarget,
};
use serde_json::json;
use tonic::Code;

use crate::fixture::{Fixture, Plan};
use crate::staff::{Desk, READ, asked, reason, request_id};
use crate::tokens::{ISSUER, with};
use crate::upstream::SERVER_STREAM;

async fn on(engine: Engine) -> (Fixture, Desk) {
    let plan = Plan {
        engine,
        ..Plan::default()
    };
    let fixture = plan.open().await;
    let desk = Desk::of(&fixture);
    (fixture, desk)
}

fn revoke(target: Target) -> RevokeTokensRequest {
    RevokeTokensRequest {
        request_id: request_id(),
        target: Some(target),
        reason: "lost laptop".into(),
        ..RevokeTokensRequest::default()
    }
}

fn token(issuer: &str, token_id: &str) -> Target {
    Target::Token(TokenTarget {
        issuer: issuer.into(),
        token_id: token_id.into(),
    })
}

fn principal(issuer: &str, principal: &str) -> Target {
    Target::Principal(PrincipalTarget {
        issuer: issuer.into(),
        principal: principal.into(),
    })
}

/// A token of somebody, with this id.
fn of(fixture: &Fixture, subject: &str, jti: &str) -> String {
    let claims = with(fixture.claims(), "sub", json!(subject));
    fixture.key.token(&with(claims, "jti", json!(jti)))
}

#[tokio::test]
async fn what_is_revoked_is_refused_at_once_and_nothing_else_is() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ]);
        let key = desk.key(&manager, &[READ]).await.secret;
        let zoe_1 = of(&fixture, "zoe", "t1");
        let zoe_2 = of(&fixture, "zoe", "t2");
        let yan = of(&fixture, "yan", "t3");
        let expect = async |expected: [&str; 3]| {
            for (token, expected) in [&zoe_1, &zoe_2, &yan].into_iter().zip(expected) {
                assert_eq!(fixture.code(token).await, expected);
            }
        };
        expect(["0", "0", "0"]).await;
        desk.revoke(&manager, revoke(token("https://elsewhere/", "t1")))
            .await;
        desk.revoke(&manager, revoke(principal("https://elsewhere/", "yan")))
            .await;
        expect(["0", "0", "0"]).await;
        desk.revoke(&manager, revoke(token(ISSUER, "t1"))).await;
        expect(["16", "0", "0"]).await;
        desk.revoke(&manager, revoke(principal(ISSUER, "zoe")))
            .await;
        expect(["16", "16", "0"]).await;
        // Logged in again, later than that.
        fixture.clock.advance(Duration::from_secs(1));
        let zoe_3 = of(&fixture, "zoe", "t4");
        assert_eq!(fixture.code(&zoe_3).await, "0");
        desk.revoke(&manager, revoke(Target::Tenant(TenantTarget {})))
            .await;
        expect(["16", "16", "16"]).await;
        assert_eq!(fixture.code(&zoe_3).await, "16");
        assert_eq!(fixture.code(&key).await, "0", "keys are revoked one by one");
        fixture.clock.advance(Duration::from_secs(1));
        let manager = fixture.manager(&[READ]);
        let listed = ListRevocationsRequest::default();
        let listed = desk
            .revocations
            .list_revocations(asked(&manager, listed))
            .await;
        assert_eq!(listed.unwrap().into_inner().revocations.len(), 5);
    }
}

/// Nobody could tell whether it was revoked: revocations are forgotten once nothing issued before them can be valid.
#[tokio::test]
async fn a_token_that_does_not_say_when_it_was_issued_does_not_outlive_its_revocation() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let days_ahead = |days: i64| json!(fixture.now() + days * 86_400);
    let undated = with(fixture.claims(), "iat", json!(null));
    let undated = fixture.key.token(&with(undated, "exp", days_ahead(2)));
    desk.revoke(&fixture.manager(&[]), revoke(principal(ISSUER, "anna")))
        .await;
    assert_eq!(fixture.code(&undated).await, "16");
    fixture.clock.advance(Duration::from_secs(86_400 + 31));
    let store = Store::new(fixture.env.db.clone());
    store.sweep_revocations(fixture.clock.now()).await.unwrap();
    assert_eq!(
        fixture.code(&undated).await,
        "16",
        "forgotten, not forgiven"
    );
    assert_eq!(fixture.code(&fixture.token()).await, "0");
}

/// A stream in progress, past its first messages.
async fn opened(client: &crate::fixture::Client) -> tonic::Streaming<String> {
    let mut stream = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        stream.message().await.unwrap();
    }
    stream
}

#[tokio::test]
async fn a_stream_ends_within_five_seconds_of_its_revocation_here_and_on_another_replica() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ, "routing.work"]);
        let zoe = of(&fixture, "zoe", "t1");
        let key = desk.key(&manager, &["routing.work"]).await;
        let replica = fixture.replica(&fixture.config, &zoe).await;
        let here = fixture.client(&zoe).await;
        let mut by_key = here.clone();
        by_key.token = key.secret.clone();
        let mut streams = vec![opened(&here).await, opened(&replica.client).await];
        let mut of_key = opened(&by_key).await;
        let mut of_another = opened(&fixture.client(&of(&fixture, "yan", "t2")).await).await;

        desk.revoke(&manager, revoke(token(ISSUER, "t1"))).await;
        let begun = Instant::now();
        for stream in &mut streams {
            let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
            assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unauthenticated);
        }
        assert!(begun.elapsed() < Duration::from_secs(5));

        let ended = rapport_proto::access::v1::RevokeApiKeyRequest {
            request_id: request_id(),
            api_key_id: key.api_key.unwrap().id,
            ..Default::default()
        };
        desk.keys
            .revoke_api_key(asked(&manager, ended))
            .await
            .unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(5), of_key.message()).await;
        assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unauthenticated);
        let still = tokio::time::timeout(Duration::from_millis(200), of_another.message()).await;
        assert!(still.is_err(), "{still:?}");
    }
}

#[tokio::test]
async fn a_rotated_key_keeps_its_streams_until_the_overlap_ends() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let manager = fixture.manager(&["routing.work"]);
    let key = desk.key(&manager, &["routing.work"]).await;
    let mut stream = opened(&fixture.client(&key.secret).await).await;
    let rotate = rapport_proto::access::v1::RotateApiKeyRequest {
        request_id: request_id(),
        api_key_id: key.api_key.unwrap().id,
        overlap: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..Default::default()
    };
    desk.keys
        .rotate_api_key(asked(&manager, rotate))
        .await
        .unwrap();
    let more = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
    assert!(more.is_err(), "{more:?}");
    fixture.clock.advance(Duration::from_secs(60));
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
    assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_streams_of_a_suspended_tenant_end() {
    let (fixture, _) = on(Engine::Sqlite).await;
    let mut stream = opened(&fixture.client(&fixture.token()).await).await;
    let url = format!("http://{}", fixture.address);
    let channel = rapport_foundation::channel::Channel::connect(&url, None).unwrap();
    let mut tenants =
        rapport_proto::access::v1::tenant_service_client::TenantServiceClient::new(channel);
    let suspended = rapport_proto::access::v1::UpdateTenantRequest {
        request_id: request_id(),
        tenant_id: fixture.tenant.to_string(),
        tenant: Some(rapport_proto::access::v1::Tenant {
            state: rapport_proto::access::v1::TenantState::Suspended.into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["state".into()],
        }),
        etag: String::new(),
    };
    let operator = fixture.operator();
    tenants
        .update_tenant(asked(&operator, suspended))
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
    assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn operators_revoke_the_tokens_of_operators() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let operator = fixture.operator();
        let list = || asked(&operator, ListRevocationsRequest::default());
        assert!(desk.revocations.list_revocations(list()).await.is_ok());
        desk.revoke(&operator, revoke(principal(ISSUER, "anna")))
            .await;
        let status = desk.revocations.list_revocations(list()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(
            fixture.code(&fixture.token()).await,
            "0",
            "of a tenant, and not the operators'"
        );
    }
}

#[tokio::test]
async fn a_revocation_has_a_target_a_moment_and_an_end() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            ..Plan::default()
        };
        plan.config.access.revocations = 2;
        plan.config.access.write_seconds = 3_600;
        let fixture = plan.open().await;
        let mut desk = Desk::of(&fixture);
        let manager = fixture.manager(&[]);
        let ahead = |seconds| Some((fixture.clock.now() + Duration::from_secs(seconds)).into());
        let far = RevokeTokensRequest {
            before_time: ahead(301),
            ..revoke(Target::Tenant(TenantTarget {}))
        };
        let aimless = RevokeTokensRequest {
            request_id: request_id(),
            ..RevokeTokensRequest::default()
        };
        for wanted in [
            far,
            aimless,
            revoke(token("", "x")),
            revoke(principal("x", "")),
        ] {
            let status = desk
                .revocations
                .revoke_tokens(asked(&manager, wanted))
                .await
                .unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
        }
        let near = RevokeTokensRequest {
            before_time: ahead(300),
            ..revoke(principal(ISSUER, "x"))
        };
        desk.revoke(&manager, near).await;
        desk.revoke(&manager, revoke(principal(ISSUER, "y"))).await;
        let more = asked(&manager, revoke(principal(ISSUER, "z")));
        let status = desk.revocations.revoke_tokens(more).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::ResourceExhausted, "TOO_MANY")
        );

        // A day and the leeway later no token of then is valid: forgotten.
        fixture
            .clock
            .advance(Duration::from_secs(86_400 + 30 + 300));
        let manager = fixture.manager(&[]);
        let listed = ListRevocationsRequest::default();
        let listed = desk
            .revocations
            .list_revocations(asked(&manager, listed))
            .await;
        assert!(listed.unwrap().into_inner().revocations.is_empty());
        let store = Store::new(fixture.env.db.clone());
        assert_eq!(
            store.sweep_revocations(fixture.clock.now()).await.unwrap(),
            2
        );
        desk.revoke(&manager, revoke(principal(ISSUER, "z"))).await;
    }
}

#[tokio::test]
async fn a_stolen_token_cannot_be_used_on_the_replica_that_was_not_told() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let zoe = of(&fixture, "zoe", "t1");
    let replica = fixture.replica(&fixture.config, &zoe).await;
    assert!(
        replica
            .client
            .unary(crate::upstream::UNARY, "x")
            .await
            .is_ok()
    );
    desk.revoke(&fixture.manager(&[]), revoke(principal(ISSUER, "zoe")))
        .await;
    let begun = Instant::now();
    let status = eventually("the other replica refuses", async || {
        replica
            .client
            .unary(crate::upstream::UNARY, "x")
            .await
            .err()
    });
    assert_eq!(status.await.code(), Code::Unauthenticated);
    assert!(begun.elapsed() < Duration::from_secs(5));
}
