//! Roles of a tenant: what they add to a credential, and for how long.

use std::time::Duration;

use rapport_foundation::id::{BindingId, RoleId};
use rapport_foundation::testing::{Engine, engines};
use rapport_proto::access::v1::{
    BindRoleRequest, CreateRoleRequest, DeleteRoleRequest, GetRoleRequest, ListBindingsRequest,
    ListRolesRequest, Role, RoleBinding, UnbindRoleRequest, UpdateRoleRequest,
};
use tonic::Code;

use crate::audit::entries;
use crate::fixture::{Fixture, Plan};
use crate::staff::{Desk, READ, asked, reason, request_id};
use crate::tokens::ISSUER;
use crate::upstream::{SERVER_STREAM, UNARY};

const WORK: &str = "routing.work";

async fn on(engine: Engine) -> (Fixture, Desk) {
    let plan = Plan {
        engine,
        ..Plan::default()
    };
    let fixture = plan.open().await;
    let desk = Desk::of(&fixture);
    (fixture, desk)
}

fn wanted(name: &str, scopes: &[&str]) -> CreateRoleRequest {
    CreateRoleRequest {
        request_id: request_id(),
        display_name: name.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..CreateRoleRequest::default()
    }
}

fn bind(role: &Role, issuer: &str, principal: &str) -> BindRoleRequest {
    BindRoleRequest {
        request_id: request_id(),
        role_id: role.id.clone(),
        issuer: issuer.into(),
        principal: principal.into(),
        ..BindRoleRequest::default()
    }
}

fn unbind(id: &str) -> UnbindRoleRequest {
    UnbindRoleRequest {
        request_id: request_id(),
        binding_id: id.into(),
        ..UnbindRoleRequest::default()
    }
}

fn set_scopes(role: &Role, scopes: &[&str]) -> UpdateRoleRequest {
    UpdateRoleRequest {
        request_id: request_id(),
        role_id: role.id.clone(),
        role: Some(Role {
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Role::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["scopes".into()],
        }),
        ..UpdateRoleRequest::default()
    }
}

impl Desk {
    async fn role(&mut self, token: &str, name: &str, scopes: &[&str]) -> Role {
        let request = asked(token, wanted(name, scopes));
        self.roles
            .create_role(request)
            .await
            .unwrap()
            .into_inner()
            .role
            .unwrap()
    }

    async fn bound(&mut self, token: &str, role: &Role, principal: &str) -> RoleBinding {
        let request = asked(token, bind(role, ISSUER, principal));
        self.roles
            .bind_role(request)
            .await
            .unwrap()
            .into_inner()
            .binding
            .unwrap()
    }
}

#[tokio::test]
async fn a_role_opens_what_it_names_for_its_holders_while_they_hold_it() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let manager = fixture.manager(&[READ, WORK]);
        let (zoe, yan) = (fixture.nobody("zoe"), fixture.nobody("yan"));
        assert_eq!(fixture.code(&zoe).await, "7");
        let role = desk.role(&manager, "Readers", &[READ]).await;
        assert_eq!(fixture.code(&zoe).await, "7", "a role nobody holds");
        let elsewhere = bind(&role, "https://elsewhere.example.com/", "zoe");
        desk.roles
            .bind_role(asked(&manager, elsewhere))
            .await
            .unwrap();
        assert_eq!(
            fixture.code(&zoe).await,
            "7",
            "the same name of another issuer"
        );

        let binding = desk.bound(&manager, &role, "zoe").await;
        assert_eq!(
            desk.bound(&manager, &role, "zoe").await,
            binding,
            "held already"
        );
        assert_eq!(
            fixture.code(&zoe).await,
            "0",
            "although the token was remembered"
        );
        assert!(fixture.upstream.last().context.has_scope(READ));
        assert_eq!(fixture.code(&yan).await, "7");

        desk.roles
            .update_role(asked(&manager, set_scopes(&role, &[WORK])))
            .await
            .unwrap();
        assert_eq!(fixture.code(&zoe).await, "7", "the role no longer names it");
        desk.roles
            .update_role(asked(&manager, set_scopes(&role, &[READ])))
            .await
            .unwrap();
        assert_eq!(fixture.code(&zoe).await, "0");
        let taken = unbind(&binding.id);
        desk.roles
            .unbind_role(asked(&manager, taken.clone()))
            .await
            .unwrap();
        assert_eq!(fixture.code(&zoe).await, "7");
        let again = desk.roles.unbind_role(asked(&manager, taken)).await;
        assert_eq!(
            again.unwrap().into_inner().binding_id,
            binding.id,
            "repeated"
        );

        desk.bound(&manager, &role, "zoe").await;
        assert_eq!(fixture.code(&zoe).await, "0");
        let gone = DeleteRoleRequest {
            request_id: request_id(),
            role_id: role.id.clone(),
            ..DeleteRoleRequest::default()
        };
        desk.roles.delete_role(asked(&manager, gone)).await.unwrap();
        assert_eq!(fixture.code(&zoe).await, "7");
        let left = desk
            .roles
            .list_bindings(asked(&manager, ListBindingsRequest::default()))
            .await;
        assert!(left.unwrap().into_inner().bindings.is_empty());
    }
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_hold() {
    for engine in engines() {
        let (fixture, mut desk) = on(engine).await;
        let (plain, better) = (
            fixture.manager(&[]),
            fixture.manager(&["interactions.record"]),
        );
        for scope in [
            "interactions.record",
            "access.manage",
            "log.watch",
            "made.up",
        ] {
            let request = asked(&plain, wanted("X", &[scope]));
            let status = desk.roles.create_role(request).await.unwrap_err();
            assert_eq!(reason(&status), "GRANT_NOT_HELD", "{scope}");
        }
        let role = desk
            .role(&better, "Resolvers", &["interactions.record"])
            .await;
        let status = desk
            .roles
            .bind_role(asked(&plain, bind(&role, ISSUER, "manager")))
            .await;
        assert_eq!(
            reason(&status.unwrap_err()),
            "GRANT_NOT_HELD",
            "to themselves above all"
        );
        let own = desk.role(&plain, "Readers", &[READ]).await;
        let widened = set_scopes(&own, &[READ, "interactions.record"]);
        let status = desk
            .roles
            .update_role(asked(&plain, widened))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "GRANT_NOT_HELD");
        // Operators give what can be given, to whomever they name.
        let named = CreateRoleRequest {
            tenant_id: fixture.tenant.to_string(),
            ..wanted("By operators", &["interactions.record"])
        };
        assert!(
            desk.roles
                .create_role(asked(&fixture.operator(), named.clone()))
                .await
                .is_ok()
        );
        let above = CreateRoleRequest {
            request_id: request_id(),
            scopes: vec!["access.manage".into()],
            ..named
        };
        let status = desk
            .roles
            .create_role(asked(&fixture.operator(), above))
            .await;
        assert_eq!(reason(&status.unwrap_err()), "GRANT_NOT_HELD");
    }
}

#[tokio::test]
async fn roles_have_names_of_their_own_versions_and_limits() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            ..Plan::default()
        };
        (plan.config.access.roles, plan.config.access.bindings) = (2, 1);
        let fixture = plan.open().await;
        let mut desk = Desk::of(&fixture);
        let manager = fixture.manager(&[READ]);
        let first = desk.role(&manager, "Readers", &[READ]).await;
        let status = desk
            .roles
            .create_role(asked(&manager, wanted("Readers", &[READ])))
            .await;
        assert_eq!(status.unwrap_err().code(), Code::AlreadyExists);
        let second = desk.role(&manager, "Others", &[READ]).await;
        let status = desk
            .roles
            .create_role(asked(&manager, wanted("Third", &[READ])))
            .await;
        assert_eq!(reason(&status.unwrap_err()), "TOO_MANY");
        desk.bound(&manager, &first, "zoe").await;
        let status = desk
            .roles
            .bind_role(asked(&manager, bind(&second, ISSUER, "zoe")))
            .await;
        assert_eq!(reason(&status.unwrap_err()), "TOO_MANY");

        let stale = UpdateRoleRequest {
            etag: "\"7\"".into(),
            ..set_scopes(&first, &[READ])
        };
        let status = desk
            .roles
            .update_role(asked(&manager, stale))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "ETAG_MISMATCH");
        let taken = UpdateRoleRequest {
            role: Some(Role {
                display_name: "Others".into(),
                ..Role::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".into()],
            }),
            ..set_scopes(&first, &[])
        };
        let status = desk
            .roles
            .update_role(asked(&manager, taken))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        let all = desk
            .roles
            .list_roles(asked(&manager, ListRolesRequest::default()))
            .await;
        let all = all.unwrap().into_inner().roles;
        assert_eq!(all, [first.clone(), second]);

        let (nowhere, now) = (
            RoleId::new(fixture.clock.now()).to_string(),
            fixture.clock.now(),
        );
        let get = GetRoleRequest {
            role_id: nowhere.clone(),
            ..GetRoleRequest::default()
        };
        let status = desk.roles.get_role(asked(&manager, get)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let taken = unbind(&BindingId::new(now).to_string());
        let status = desk
            .roles
            .unbind_role(asked(&manager, taken))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let none = desk
            .roles
            .create_role(asked(&manager, wanted("None", &[])))
            .await;
        assert_eq!(none.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_role_that_opened_it_is_taken_away() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let manager = fixture.manager(&[READ, WORK]);
    let role = desk.role(&manager, "Workers", &[WORK]).await;
    let reads = desk.role(&manager, "Readers", &[READ]).await;
    let binding = desk.bound(&manager, &role, "zoe").await;
    let client = fixture.client(&fixture.nobody("zoe")).await;
    let mut stream = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        stream.message().await.unwrap();
    }
    // What does not concern it leaves it open.
    desk.bound(&manager, &reads, "zoe").await;
    assert!(client.unary(UNARY, "x").await.is_ok());
    let more = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
    assert!(more.is_err(), "{more:?}");
    desk.roles
        .unbind_role(asked(&manager, unbind(&binding.id)))
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
    assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unauthenticated);
}

/// Who holds what is about people: who looked and who changed it is in the trail, with what they saw.
#[tokio::test]
async fn whoever_looks_who_holds_a_role_is_in_the_trail() {
    let (fixture, mut desk) = on(Engine::Sqlite).await;
    let manager = fixture.manager(&[READ]);
    let role = desk.role(&manager, "Reader", &[READ]).await;
    let binding = desk.bound(&manager, &role, "anna").await;
    let all = ListBindingsRequest::default();
    let listed = desk.roles.list_bindings(asked(&manager, all)).await;
    assert_eq!(listed.unwrap().into_inner().bindings.len(), 1);
    let ended = unbind(&binding.id);
    desk.roles
        .unbind_role(asked(&manager, ended))
        .await
        .unwrap();

    let found = entries(&fixture, 4).await;
    let told = found[1..].iter().map(|entry| {
        assert!(!entry.untold && entry.resource_ids.contains(&binding.id));
        assert!(!format!("{entry:?}").contains("anna"));
        entry.method.rsplit('/').next().unwrap()
    });
    let expected = ["BindRole", "ListBindings", "UnbindRole"];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}
