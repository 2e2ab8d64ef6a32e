//! API keys: what they open, and when they open nothing any more.

use std::time::Duration;

use rapport_foundation::context::PrincipalKind;
use rapport_foundation::testing::{Engine, engines, eventually};
use rapport_proto::access::v1::{
    ApiKey, ApiKeyKind, CreateApiKeyRequest, GetApiKeyRequest, ListApiKeysRequest,
    RevokeApiKeyRequest, RotateApiKeyRequest,
};
use tonic::Code;

use crate::fixture::{Fixture, Plan};
use crate::staff::{Desk, READ, asked, made, new_key, reason, request_id};
use crate::upstream::UNARY;

pub(crate) async fn on(engine: Engine) -> (Fixture, Desk) {
    let plan = Plan {
        engine,
        ..Plan::default()
    };
    let fixture = plan.open().await;
    let desk = Desk::of(&fixture);
    (fixture, desk)
}

pub(crate) fn get(id: &str) -> GetApiKeyRequest {
    GetApiKeyRequest {
        api_key_id: id.into(),
        ..GetApiKeyRequest::default()
    }
}

pub(crate) fn revoke(id: &str) -> RevokeApiKeyRequest {
    RevokeApiKeyRequest {
        request_id: request_id(),
        api_key_id: id.into(),
        ..RevokeApiKeyRequest::default()
    }
}

pub(crate) fn rotate(id: &str, overlap_s: i64) -> RotateApiKeyRequest {
    RotateApiKeyRequest {
        request_id: request_id(),
        api_key_id: id.into(),
        overlap: Some(prost_types::Duration {
            seconds: overlap_s,
            nanos: 0,
        }),
        ..RotateApiKeyRequest::default()
    }
}

#[tokio::test]
async fn a_key_opens_what_it_grants_and_its_secret_is_told_once() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ]);
        let wanted = CreateApiKeyRequest {
            kind: ApiKeyKind::Connector.into(),
            connector: "shop".into(),
            ..new_key(&[READ, READ])
        };
        let first = desk
            .keys
            .create_api_key(asked(&manager, wanted.clone()))
            .await;
        let first = first.unwrap().into_inner();
        let again = desk.keys.create_api_key(asked(&manager, wanted)).await;
        let again = again.unwrap().into_inner();
        assert_eq!(
            (again.api_key.as_ref(), again.secret.as_str()),
            (first.api_key.as_ref(), "")
        );
        let key = made(&first);
        assert!(first.secret.starts_with(&key.prefix) && first.secret.len() > 70);
        assert_eq!(
            (key.scopes.as_slice(), key.etag.as_str()),
            (&[READ.to_owned()][..], "\"1\"")
        );

        assert_eq!(fixture.code(&first.secret).await, "0");
        let seen = fixture.upstream.last();
        assert_eq!(seen.context.kind, PrincipalKind::Connector);
        assert_eq!(seen.context.connector.as_deref(), Some("shop"));
        assert_eq!(
            (&seen.context.principal, seen.context.tenant),
            (&key.id, fixture.tenant)
        );
        let (_, headers) = fixture.answer(UNARY, &[("x-api-key", &first.secret)]).await;
        assert_eq!(headers["grpc-status"], "0");
        assert!(
            fixture.upstream.last().headers.get("x-api-key").is_none(),
            "goes no further"
        );
        let elsewhere = "/rapport.loyalty.v1.LedgerService/ListEntries";
        let (_, headers) = fixture
            .answer(elsewhere, &[("x-api-key", &first.secret)])
            .await;
        assert_eq!(headers["grpc-status"], "7", "what it does not grant");

        let read = desk.keys.get_api_key(asked(&manager, get(&key.id))).await;
        assert_eq!(read.unwrap().into_inner().api_key, first.api_key);
        desk.key(&manager, &[READ]).await;
        let page = |token: String| ListApiKeysRequest {
            page_size: 1,
            page_token: token,
            ..ListApiKeysRequest::default()
        };
        let one = desk
            .keys
            .list_api_keys(asked(&manager, page(String::new())))
            .await;
        let one = one.unwrap().into_inner();
        assert_eq!(one.api_keys[0], *key);
        let two = desk
            .keys
            .list_api_keys(asked(&manager, page(one.next_page_token)))
            .await;
        let two = two.unwrap().into_inner();
        assert!(two.api_keys[0].id != key.id && two.next_page_token.is_empty());
    }
}

#[tokio::test]
async fn a_credential_is_one_and_has_the_form_of_one() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let secret = desk.key(&fixture.manager(&[READ]), &[READ]).await.secret;
    let (bearer, token) = (
        format!("Bearer {secret}"),
        format!("Bearer {}", fixture.token()),
    );
    let slip = format!("Bearer {}0", &secret[..secret.len() - 1]);
    for (headers, expected) in [
        (vec![("x-api-key", secret.as_str())], "0"),
        (vec![("authorization", bearer.as_str())], "0"),
        (
            vec![("authorization", &bearer), ("x-api-key", &secret)],
            "16",
        ),
        (
            vec![("authorization", &token), ("x-api-key", &secret)],
            "16",
        ),
        (vec![("x-api-key", &secret), ("x-api-key", &secret)], "16"),
        (vec![("x-api-key", token.as_str())], "16"),
        (
            vec![("authorization", slip.as_str())],
            if slip == bearer { "0" } else { "16" },
        ),
        (vec![("x-api-key", "rpk_")], "16"),
        (vec![("x-api-key", "")], "16"),
    ] {
        let (_, answer) = fixture.answer(UNARY, &headers).await;
        assert_eq!(answer["grpc-status"], expected, "{headers:?}");
    }
}

#[tokio::test]
async fn the_secret_is_nowhere_in_the_database() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let response = desk.key(&fixture.manager(&[READ]), &[READ]).await;
    let secret = &response.secret[made(&response).prefix.len() + 1..];
    let file = fixture.env.database.config.sqlite_path().unwrap();
    let folder = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let bytes: Vec<u8> = folder
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap_or_default())
        .collect();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(
        holds(&made(&response).prefix),
        "the right files are looked at"
    );
    assert!(!holds(secret) && !holds(&secret[..26]));
}

#[tokio::test]
async fn a_rotated_secret_works_in_the_overlap_and_not_after() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ]);
        let first = desk.key(&manager, &[READ]).await;
        let id = &made(&first).id;
        assert_eq!(fixture.code(&first.secret).await, "0");
        let second = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(id, 60)))
            .await;
        let second = second.unwrap().into_inner();
        assert_ne!(second.secret, first.secret);
        for secret in [&first.secret, &second.secret] {
            assert_eq!(fixture.code(secret).await, "0");
        }
        fixture.clock.advance(Duration::from_secs(59));
        assert_eq!(fixture.code(&first.secret).await, "0");
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(
            fixture.code(&first.secret).await,
            "16",
            "remembered, and over"
        );
        assert_eq!(fixture.code(&second.secret).await, "0");

        // Without an overlap the one before ends at once; a second rotation ends what the first left.
        let third = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(id, 60)))
            .await;
        let third = third.unwrap().into_inner().secret;
        let fourth = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(id, 0)))
            .await;
        let fourth = fourth.unwrap().into_inner().secret;
        for (secret, expected) in [(&second.secret, "16"), (&third, "16"), (&fourth, "0")] {
            assert_eq!(fixture.code(secret).await, expected);
        }
        let too_long = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(id, 8 * 86_400)))
            .await;
        assert_eq!(too_long.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_key_that_is_over_or_revoked_opens_nothing() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ]);
        let soon = fixture.clock.now() + Duration::from_secs(100);
        let wanted = CreateApiKeyRequest {
            expire_time: Some(soon.into()),
            ..new_key(&[READ])
        };
        let response = desk.keys.create_api_key(asked(&manager, wanted)).await;
        let short = response.unwrap().into_inner().secret;
        let long = desk.key(&manager, &[READ]).await;
        assert_eq!(fixture.code(&short).await, "0");
        fixture.clock.advance(Duration::from_secs(100));
        assert_eq!(fixture.code(&short).await, "16");

        assert_eq!(fixture.code(&long.secret).await, "0");
        let id = &made(&long).id;
        let ended = desk.keys.revoke_api_key(asked(&manager, revoke(id))).await;
        assert!(
            ended
                .unwrap()
                .into_inner()
                .api_key
                .unwrap()
                .revoke_time
                .is_some()
        );
        assert_eq!(
            fixture.code(&long.secret).await,
            "16",
            "at once, though remembered"
        );
        let status = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(id, 60)))
            .await;
        let status = status.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::FailedPrecondition, "API_KEY_REVOKED")
        );
    }
}

#[tokio::test]
async fn the_last_use_is_written_beside_the_calls_and_changes_nothing_else() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            ..Plan::default()
        };
        plan.config.access.write_seconds = 1;
        let fixture = plan.open().await;
        let mut desk = Desk::of(&fixture);
        let manager = fixture.manager(&[READ]);
        let response = desk.key(&manager, &[READ]).await;
        let key = made(&response);
        assert_eq!(fixture.code(&response.secret).await, "0");
        let expected = ApiKey {
            last_use_time: Some(fixture.clock.now().into()),
            ..key.clone()
        };
        eventually("the use is written", async || {
            let read = desk.keys.get_api_key(asked(&manager, get(&key.id))).await;
            let read = read.unwrap().into_inner().api_key.unwrap();
            read.last_use_time
                .is_some()
                .then(|| assert_eq!(read, expected))
        })
        .await;
    }
}

#[tokio::test]
async fn every_violation_of_a_wanted_key_is_told_at_once() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let bad = CreateApiKeyRequest {
        request_id: "x".into(),
        tenant_id: "y".into(),
        kind: 9,
        scopes: vec![String::new()],
        expire_time: Some(prost_types::Timestamp {
            seconds: -1,
            nanos: 0,
        }),
        ..CreateApiKeyRequest::default()
    };
    let token = fixture.manager(&[]);
    let status = desk
        .keys
        .create_api_key(asked(&token, bad))
        .await
        .unwrap_err();
    let fields = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
    let fields: Vec<_> = fields
        .field_violations
        .into_iter()
        .map(|it| it.field)
        .collect();
    let expected = [
        "request_id",
        "tenant_id",
        "display_name",
        "kind",
        "scopes[0]",
        "expire_time",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn another_replica_knows_a_new_key_and_an_ended_one_within_five_seconds() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ]);
        let replica = fixture.replica(&fixture.config, "").await;
        let response = desk.key(&manager, &[READ]).await;
        let mut client = replica.client.clone();
        client.token = response.secret.clone();
        let begun = std::time::Instant::now();
        eventually("the key is known", async || {
            client.unary(UNARY, "x").await.ok()
        })
        .await;
        assert!(begun.elapsed() < Duration::from_secs(5));
        desk.keys
            .revoke_api_key(asked(&manager, revoke(&made(&response).id)))
            .await
            .unwrap();
        let begun = std::time::Instant::now();
        eventually("the key is over", async || {
            client.unary(UNARY, "x").await.err()
        })
        .await;
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
