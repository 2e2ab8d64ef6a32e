//! API keys: when they end, and that nothing left unsaid makes them more than they were.

use std::time::Duration;

use rapport_foundation::testing::{Engine, engines};
use rapport_foundation::time::Micros;
use rapport_proto::access::v1::{ApiKey, CreateApiKeyRequest, UpdateApiKeyRequest};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::api_keys::{get, on, revoke, rotate};
use crate::fixture::{Fixture, Plan};
use crate::staff::{Desk, READ, asked, made, new_key, reason, request_id};

const DAY: Duration = Duration::from_secs(86_400);

/// Sets these fields of a key, and nothing is said of the others.
fn update(id: &str, end: Option<Micros>, fields: &[&str]) -> UpdateApiKeyRequest {
    UpdateApiKeyRequest {
        request_id: request_id(),
        api_key_id: id.into(),
        api_key: Some(ApiKey {
            display_name: "Renamed".into(),
            expire_time: end.map(Into::into),
            ..ApiKey::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: fields.iter().map(|field| (*field).to_owned()).collect(),
        }),
        ..UpdateApiKeyRequest::default()
    }
}

fn ending(end: Micros) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        expire_time: Some(end.into()),
        ..new_key(&[READ])
    }
}

/// The one field that was wrong.
fn field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let mut violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations.len(), 1);
    violations.remove(0).field
}

async fn ends(fixture: &Fixture, desk: &mut Desk, id: &str) -> Option<Micros> {
    let manager = fixture.manager(&[READ]);
    let key = desk.keys.get_api_key(asked(&manager, get(id))).await;
    let key = key.unwrap().into_inner().api_key.unwrap();
    key.expire_time.as_ref().map(Micros::from)
}

#[tokio::test]
async fn an_update_that_does_not_say_what_it_sets_sets_nothing() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let manager = fixture.manager(&[READ]);
    let end = fixture.clock.now() + DAY;
    let key = desk.keys.create_api_key(asked(&manager, ending(end))).await;
    let key = key.unwrap().into_inner();
    let id = &made(&key).id;
    let unsaid = UpdateApiKeyRequest {
        update_mask: None,
        ..update(id, None, &[])
    };
    for wanted in [unsaid, update(id, None, &[])] {
        let status = desk.keys.update_api_key(asked(&manager, wanted)).await;
        assert_eq!(field(&status.unwrap_err()), "update_mask");
    }
    let now = desk.keys.get_api_key(asked(&manager, get(id))).await;
    assert_eq!(now.unwrap().into_inner().api_key, key.api_key);

    let renamed = update(id, None, &["display_name"]);
    let renamed = desk.keys.update_api_key(asked(&manager, renamed)).await;
    let renamed = renamed.unwrap().into_inner().api_key.unwrap();
    assert_eq!(
        (renamed.display_name.as_str(), &renamed.scopes),
        ("Renamed", &made(&key).scopes)
    );
    assert_eq!(renamed.expire_time, made(&key).expire_time);
}

#[tokio::test]
async fn a_key_does_not_end_in_the_past() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let manager = fixture.manager(&[READ]);
    let now = fixture.clock.now();
    let made_over = desk.keys.create_api_key(asked(&manager, ending(now))).await;
    assert_eq!(field(&made_over.unwrap_err()), "expire_time");
    let key = desk.key(&manager, &[READ]).await;
    let over = update(&made(&key).id, Some(now), &["expire_time"]);
    let over = desk.keys.update_api_key(asked(&manager, over)).await;
    assert_eq!(field(&over.unwrap_err()), "api_key.expire_time");
    assert_eq!(fixture.code(&key.secret).await, "0");
}

#[tokio::test]
async fn services_learn_when_a_key_ends_and_that_one_without_an_end_has_none() {
    let mut plan = Plan::default();
    plan.config.access.key_days = 0;
    let fixture = plan.open().await;
    let mut desk = Desk::of(&fixture);
    let manager = fixture.manager(&[READ]);
    let end = fixture.clock.now() + DAY;
    for (wanted, expected) in [(ending(end), Some(end)), (new_key(&[READ]), None)] {
        let key = desk.keys.create_api_key(asked(&manager, wanted)).await;
        let key = key.unwrap().into_inner();
        assert_eq!(ends(&fixture, &mut desk, &made(&key).id).await, expected);
        assert_eq!(fixture.code(&key.secret).await, "0");
        assert_eq!(fixture.upstream.last().context.token_expires, expected);
    }
}

#[tokio::test]
async fn a_key_that_comes_to_life_again_takes_a_place() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            ..Plan::default()
        };
        plan.config.access.api_keys = 1;
        let fixture = plan.open().await;
        let mut desk = Desk::of(&fixture);
        let manager = fixture.manager(&[READ]);
        let soon = fixture.clock.now() + Duration::from_secs(100);
        let first = desk
            .keys
            .create_api_key(asked(&manager, ending(soon)))
            .await;
        let first = first.unwrap().into_inner();
        let id = &made(&first).id;
        fixture.clock.advance(Duration::from_secs(100));
        let second = desk.key(&manager, &[READ]).await;
        let later = fixture.clock.now() + DAY;
        let revived = update(id, Some(later), &["expire_time"]);
        let status = desk.keys.update_api_key(asked(&manager, revived)).await;
        let status = status.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::ResourceExhausted, "TOO_MANY")
        );
        // A new secret alone brings nothing to life, and what lives may be changed while there is no room.
        let rotated = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(id, 0)))
            .await;
        assert_eq!(
            fixture.code(&rotated.unwrap().into_inner().secret).await,
            "16"
        );
        let longer = update(&made(&second).id, Some(later), &["expire_time"]);
        assert!(
            desk.keys
                .update_api_key(asked(&manager, longer))
                .await
                .is_ok()
        );

        let ended = revoke(&made(&second).id);
        let ended = desk.keys.revoke_api_key(asked(&manager, ended)).await;
        assert!(ended.is_ok());
        let revived = update(id, Some(later), &["expire_time"]);
        assert!(
            desk.keys
                .update_api_key(asked(&manager, revived))
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn a_key_is_for_ever_only_where_the_installation_says_so() {
    let mut plan = Plan::default();
    plan.config.access.key_days = 30;
    let fixture = plan.open().await;
    let mut desk = Desk::of(&fixture);
    let manager = fixture.manager(&[READ]);
    let last = fixture.clock.now() + DAY * 30;
    let beyond = Micros(last.0 + 1);
    let key = desk.key(&manager, &[READ]).await;
    let id = &made(&key).id;
    assert_eq!(ends(&fixture, &mut desk, id).await, Some(last));
    let status = desk
        .keys
        .create_api_key(asked(&manager, ending(beyond)))
        .await;
    assert_eq!(field(&status.unwrap_err()), "expire_time");
    let status = update(id, Some(beyond), &["expire_time"]);
    let status = desk.keys.update_api_key(asked(&manager, status)).await;
    assert_eq!(field(&status.unwrap_err()), "api_key.expire_time");
    fixture.clock.advance(DAY);
    let manager = fixture.manager(&[READ]);
    for fields in [&["expire_time"][..], &["*"]] {
        let unsaid = update(id, None, fields);
        assert!(
            desk.keys
                .update_api_key(asked(&manager, unsaid))
                .await
                .is_ok()
        );
        assert_eq!(ends(&fixture, &mut desk, id).await, Some(last + DAY));
    }

    let mut plan = Plan::default();
    plan.config.access.key_days = 0;
    let fixture = plan.open().await;
    let mut desk = Desk::of(&fixture);
    let key = desk.key(&fixture.manager(&[READ]), &[READ]).await;
    assert_eq!(ends(&fixture, &mut desk, &made(&key).id).await, None);
}
