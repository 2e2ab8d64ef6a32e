//! API keys: who may make them, whose they are, and how many.

use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::testing::{Engine, engines};
use rapport_gateway::domain::key_text;
use rapport_gateway::domain::tenant::Tenant;
use rapport_proto::access::v1::{
    ApiKey, BindRoleRequest, CreateApiKeyRequest, CreateRoleRequest, ListApiKeysRequest,
    UpdateApiKeyRequest,
};
use tonic::Code;

use crate::api_keys::{get, on, revoke, rotate};
use crate::fixture::Plan;
use crate::staff::{Desk, READ, asked, made, new_key, reason, request_id};
use crate::tokens::claims;

#[tokio::test]
async fn nobody_makes_or_renews_a_key_that_grants_more_than_they_hold() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let (manager, better) = (
            fixture.manager(&[]),
            fixture.manager(&["interactions.record"]),
        );
        let with_role = |role: &str| CreateApiKeyRequest {
            roles: vec![role.into()],
            ..new_key(&[])
        };
        for wanted in [
            new_key(&["interactions.record"]),
            new_key(&["access.manage"]),
            new_key(&["log.watch"]),
            new_key(&["made.up"]),
            with_role("connector"),
            with_role("operator"),
            with_role("emperor"),
        ] {
            let status = desk
                .keys
                .create_api_key(asked(&manager, wanted))
                .await
                .unwrap_err();
            assert_eq!(reason(&status), "GRANT_NOT_HELD");
        }
        assert!(
            desk.keys
                .create_api_key(asked(&manager, with_role("manager")))
                .await
                .is_ok()
        );

        let key = desk.key(&better, &["interactions.record"]).await;
        let id = made(&key).id.clone();
        let update = |display_name: &str, scopes: &[&str], fields: &[&str]| UpdateApiKeyRequest {
            request_id: request_id(),
            api_key_id: id.clone(),
            api_key: Some(ApiKey {
                display_name: display_name.into(),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                ..ApiKey::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: fields.iter().map(|field| (*field).to_owned()).collect(),
            }),
            ..UpdateApiKeyRequest::default()
        };
        // Whoever got the new secret would hold what it opens.
        let status = desk
            .keys
            .rotate_api_key(asked(&manager, rotate(&id, 60)))
            .await;
        assert_eq!(reason(&status.unwrap_err()), "GRANT_NOT_HELD");
        let renamed = update("X", &[], &["display_name"]);
        let status = desk.keys.update_api_key(asked(&manager, renamed)).await;
        assert_eq!(reason(&status.unwrap_err()), "GRANT_NOT_HELD");

        // Also what it opens by a role.
        let plain = desk.key(&manager, &[]).await;
        let role = CreateRoleRequest {
            request_id: request_id(),
            display_name: "Resolver".into(),
            scopes: vec!["interactions.record".into()],
            ..CreateRoleRequest::default()
        };
        let role = desk
            .roles
            .create_role(asked(&better, role))
            .await
            .unwrap()
            .into_inner();
        let bind = BindRoleRequest {
            request_id: request_id(),
            role_id: role.role.unwrap().id,
            issuer: "rapport.api_keys".into(),
            principal: made(&plain).id.clone(),
            ..BindRoleRequest::default()
        };
        desk.roles.bind_role(asked(&better, bind)).await.unwrap();
        let again = rotate(&made(&plain).id, 60);
        let status = desk
            .keys
            .rotate_api_key(asked(&manager, again.clone()))
            .await;
        assert_eq!(reason(&status.unwrap_err()), "GRANT_NOT_HELD");
        assert!(
            desk.keys
                .rotate_api_key(asked(&better, again))
                .await
                .is_ok()
        );

        // What is narrowed to what they hold they may change; and it opens no more than that.
        let narrowed = update("Y", &[READ], &["scopes", "display_name"]);
        let narrowed = desk
            .keys
            .update_api_key(asked(&fixture.manager(&[READ]), narrowed))
            .await;
        assert_eq!(
            narrowed.unwrap().into_inner().api_key.unwrap().scopes,
            [READ]
        );
        assert_eq!(fixture.code(&key.secret).await, "0");
        // Anybody who manages keys may end one.
        assert!(
            desk.keys
                .revoke_api_key(asked(&manager, revoke(&id)))
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn keys_of_another_tenant_are_not_there() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let other = TenantId::new(fixture.clock.now());
        let now = fixture.clock.now();
        let store = rapport_gateway::store::Store::new(fixture.env.db.clone());
        store
            .ensure(&Tenant::new(other, "Other", now))
            .await
            .unwrap();
        let operator = fixture.operator();

        // An operator names whom it is for; nobody else can.
        let status = desk
            .keys
            .create_api_key(asked(&operator, new_key(&[READ])))
            .await;
        assert_eq!(status.unwrap_err().code(), Code::InvalidArgument);
        let named = |tenant: TenantId| CreateApiKeyRequest {
            tenant_id: tenant.to_string(),
            ..new_key(&[READ])
        };
        let theirs = desk
            .keys
            .create_api_key(asked(&operator, named(other)))
            .await;
        let theirs = theirs.unwrap().into_inner();
        let manager = fixture.manager(&[READ]);
        for tenant in [other, TenantId::new(now)] {
            let status = desk
                .keys
                .create_api_key(asked(&manager, named(tenant)))
                .await;
            assert_eq!(status.unwrap_err().code(), Code::NotFound);
        }
        let nowhere = desk
            .keys
            .create_api_key(asked(&operator, named(TenantId::new(now))))
            .await;
        assert_eq!(nowhere.unwrap_err().code(), Code::NotFound);

        // A key that may manage keys is as far from them as its managers.
        let grants = ["access.keys", "access.read", READ];
        let ours = desk.key(&fixture.manager(&grants), &grants).await;
        for caller in [&manager, &ours.secret] {
            for id in [made(&theirs).id.clone(), ApiKeyId::new(now).to_string()] {
                let status = desk
                    .keys
                    .get_api_key(asked(caller, get(&id)))
                    .await
                    .unwrap_err();
                assert_eq!(status.code(), Code::NotFound);
                let status = desk
                    .keys
                    .revoke_api_key(asked(caller, revoke(&id)))
                    .await
                    .unwrap_err();
                assert_eq!(status.code(), Code::NotFound);
                let status = desk
                    .keys
                    .rotate_api_key(asked(caller, rotate(&id, 1)))
                    .await
                    .unwrap_err();
                assert_eq!(status.code(), Code::NotFound);
            }
            let all = desk
                .keys
                .list_api_keys(asked(caller, ListApiKeysRequest::default()))
                .await;
            let all = all.unwrap().into_inner().api_keys;
            assert!(all.iter().all(|key| key.id == made(&ours).id) && all.len() == 1);
        }
        // Not suspended and known, though made by another way than the directory was told: by the change itself.
        assert_eq!(fixture.code(&theirs.secret).await, "0");
        assert_eq!(fixture.upstream.last().context.tenant, other);
    }
}

#[tokio::test]
async fn made_up_keys_cost_no_question_to_the_database() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let secret = desk.key(&fixture.manager(&[READ]), &[READ]).await.secret;
    // Without a database every question would end as something else than a refusal.
    fixture.env.db.close().await;
    for at in 0..2_000_u16 {
        let mut random = [7; key_text::PREFIX_BYTES];
        random[..2].copy_from_slice(&at.to_be_bytes());
        let made_up = key_text::compose(&key_text::prefix(&random), &[9; 32]);
        assert_eq!(fixture.code(&made_up).await, "16");
    }
    assert_eq!(fixture.code(&secret).await, "0");
}

#[tokio::test]
async fn a_tenant_has_so_many_live_keys_and_no_more() {
    let mut plan = Plan::default();
    plan.config.access.api_keys = 2;
    let fixture = plan.open().await;
    let mut desk = Desk::of(&fixture);
    let manager = fixture.manager(&[READ]);
    let first = desk.key(&manager, &[READ]).await;
    desk.key(&manager, &[READ]).await;
    let status = desk
        .keys
        .create_api_key(asked(&manager, new_key(&[READ])))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "TOO_MANY")
    );
    let ended = revoke(&made(&first).id);
    desk.keys
        .revoke_api_key(asked(&manager, ended))
        .await
        .unwrap();
    desk.key(&manager, &[READ]).await;
}

#[tokio::test]
async fn without_the_right_nobody_touches_keys() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let agent = fixture.key.token(&claims(
        &fixture.tenant.to_string(),
        &["agent"],
        fixture.now(),
    ));
    let status = desk
        .keys
        .create_api_key(asked(&agent, new_key(&[READ])))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
}
