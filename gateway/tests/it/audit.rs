//! The audit trail as calls leave it.

use std::time::Duration;

use futures::StreamExt as _;
use http::Request;
use rapport_foundation::channel::Channel;
use rapport_foundation::context::{self, Claims, PrincipalKind};
use rapport_foundation::role::Role;
use rapport_foundation::testing::engines;
use rapport_proto::access::v1::audit_service_client::AuditServiceClient;
use rapport_proto::access::v1::role_service_client::RoleServiceClient;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::access::v1::{
    AuditEntry, AuditPrincipalKind, CreateRoleRequest, GetTenantRequest, ListAuditEntriesRequest,
};
use serde_json::Value;
use tonic::body::Body;
use tonic::{Code, Request as Call};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::fixture::{Fixture, Plan, Way};
use crate::tokens;
use crate::upstream::{SERVER_STREAM, UNARY};

mod queue;
mod reading;

const LIST: &str = "rapport.access.v1.AuditService/ListAuditEntries";

pub(crate) fn channel(fixture: &Fixture) -> Channel {
    Channel::connect(&format!("http://{}", fixture.address), None).unwrap()
}

pub(crate) fn with<M>(fixture: &Fixture, claims: &Value, message: M) -> Call<M> {
    let mut request = Call::new(message);
    let bearer = format!("Bearer {}", fixture.key.token(claims));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    request
}

pub(crate) fn manager(fixture: &Fixture) -> Value {
    let claims = tokens::claims(&fixture.tenant.to_string(), &["manager"], fixture.now());
    tokens::with(claims, "sub", "the manager".into())
}

pub(crate) fn operator(fixture: &Fixture) -> Value {
    let mut claims = tokens::claims("", &["operator"], fixture.now());
    claims.as_object_mut().unwrap().remove("tenant");
    claims
}

pub(crate) async fn list(
    fixture: &Fixture,
    claims: &Value,
    question: ListAuditEntriesRequest,
) -> Vec<AuditEntry> {
    let mut client = AuditServiceClient::new(channel(fixture));
    let answer = client.list_audit_entries(with(fixture, claims, question));
    answer.await.unwrap().into_inner().entries
}

/// Entries are written behind the answers: asks until so many calls of others are there, oldest first.
pub(crate) async fn entries(fixture: &Fixture, count: usize) -> Vec<AuditEntry> {
    let question = ListAuditEntriesRequest {
        page_size: 1000,
        ..ListAuditEntriesRequest::default()
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let mut found = list(fixture, &manager(fixture), question.clone()).await;
        found.retain(|entry| entry.method != LIST);
        found.reverse();
        if found.len() >= count {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} of {count} calls are in the trail",
            found.len()
        );
        tokio::task::yield_now().await;
    }
}

/// Method and outcome of each.
pub(crate) fn brief(entries: &[AuditEntry]) -> Vec<(&str, &str)> {
    let method = |entry: &'_ AuditEntry| entry.method.rfind('/').map_or(0, |at| at + 1);
    entries
        .iter()
        .map(|entry| (&entry.method[method(entry)..], entry.outcome.as_str()))
        .collect()
}

/// Whether nothing is wrong with the trail.
async fn is_whole(fixture: &Fixture) -> bool {
    let config = rapport_gateway::Audit::default();
    let found = rapport_gateway::verify(&fixture.env.db, &config, fixture.clock.now());
    found.await.unwrap().is_empty()
}

#[tokio::test]
async fn every_end_of_a_call_is_in_the_trail() {
    for (engine, way) in engines().into_iter().zip([Way::Embedded, Way::Split]) {
        let plan = Plan {
            engine,
            way,
            ..Plan::default()
        };
        let mut fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        client.unary(UNARY, "hello").await.unwrap();
        entries(&fixture, 1).await;
        client.unary(UNARY, "fail").await.unwrap_err();
        entries(&fixture, 2).await;

        let claims = tokens::claims(&fixture.tenant.to_string(), &[], fixture.now());
        let nobody = fixture.client(&fixture.key.token(&claims)).await;
        let refused = nobody.unary(UNARY, "hello").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        entries(&fixture, 3).await;

        let given_up = tokio::spawn({
            let client = client.clone();
            async move { client.unary(UNARY, "wait").await }
        });
        while fixture.upstream.calls() < 3 {
            tokio::task::yield_now().await;
        }
        given_up.abort();
        fixture.dropped.recv().await.unwrap();
        entries(&fixture, 4).await;

        let stream = client.watch(SERVER_STREAM, "three").await.unwrap();
        assert_eq!(stream.count().await, 3);
        entries(&fixture, 5).await;
        let mut stream = client.watch(SERVER_STREAM, "fail").await.unwrap();
        while let Ok(Some(_)) = stream.message().await {}
        entries(&fixture, 6).await;
        let mut stream = client.watch(SERVER_STREAM, "wait").await.unwrap();
        stream.message().await.unwrap().unwrap();
        drop(stream);

        let found = entries(&fixture, 7).await;
        assert_eq!(
            brief(&found),
            [
                ("GetCustomer", "OK"),
                ("GetCustomer", "NOT_FOUND"),
                ("GetCustomer", "PERMISSION_DENIED"),
                ("GetCustomer", "CANCELLED"),
                ("WatchOffers", "OK"),
                ("WatchOffers", "ABORTED"),
                ("WatchOffers", "CANCELLED"),
            ]
        );
        let untold: Vec<AuditEntry> = found.iter().filter(|entry| entry.untold).cloned().collect();
        // It had shown something when it was cut, and nobody said what.
        assert_eq!(brief(&untold), [("WatchOffers", "CANCELLED")]);
        let unauthenticated = fixture.code("no.token.here").await;
        assert_eq!(unauthenticated, "16");
        assert_eq!(
            entries(&fixture, 7).await.len(),
            7,
            "whose entry would it be?"
        );
        // One chain, without a gap.
        let chain: Vec<i64> = found.iter().map(|entry| entry.sequence).collect();
        assert!(chain.is_sorted() && found.iter().all(|e| e.replica_id == found[0].replica_id));
        assert!(is_whole(&fixture).await);
    }
}

#[tokio::test]
async fn an_entry_says_who_did_what_to_which_resource_and_when() {
    for engine in engines() {
        let plan = Plan {
            engine,
            ..Plan::default()
        };
        let fixture = plan.open().await;
        let claims = tokens::with(manager(&fixture), "kind", "staff".into());
        let mut request = with(
            &fixture,
            &claims,
            CreateRoleRequest {
                request_id: Uuid::now_v7().to_string(),
                display_name: "Acme".into(),
                scopes: vec!["access.keys".into()],
                ..CreateRoleRequest::default()
            },
        );
        let headers = request.metadata_mut();
        headers.insert("x-request-id", "call-42".parse().unwrap());
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        headers.insert("traceparent", parent.parse().unwrap());
        let mut roles = RoleServiceClient::new(channel(&fixture));
        let made = roles.create_role(request).await.unwrap().into_inner();
        let made = made.role.unwrap();

        let entry = entries(&fixture, 1).await.remove(0);
        assert_eq!(entry.method, "rapport.access.v1.RoleService/CreateRole");
        assert_eq!(
            (entry.principal.as_str(), entry.on_behalf_of.as_str()),
            ("the manager", "")
        );
        assert_eq!(entry.issuer, tokens::ISSUER);
        assert_eq!(entry.principal_kind(), AuditPrincipalKind::Staff);
        assert_eq!(entry.resource_ids, [made.id.as_str()]);
        assert_eq!(entry.resource_count, 1);
        assert_eq!(entry.request_id, "call-42");
        assert_eq!(entry.trace_id.len(), 32);
        assert_eq!(entry.end_time, Some(fixture.clock.now().into()));
        assert!(entry.duration.is_some() && entry.sequence == 1 && entry.hash.len() == 32);

        // The name of a role is none of the trail's business.
        assert!(!format!("{entry:?}").contains("Acme"));

        // Reading without change is not audited where the policy does not ask for it.
        let get = GetTenantRequest {
            tenant_id: fixture.tenant.to_string(),
        };
        TenantServiceClient::new(channel(&fixture))
            .get_tenant(with(&fixture, &claims, get))
            .await
            .unwrap();
        let question = ListAuditEntriesRequest {
            resource_id: made.id.clone(),
            ..ListAuditEntriesRequest::default()
        };
        let by_resource = list(&fixture, &manager(&fixture), question.clone()).await;
        assert!(by_resource.contains(&entry));
        // The question named the resource: asking is in the trail, too.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let found = list(&fixture, &manager(&fixture), question.clone()).await;
            if found.iter().any(|entry| entry.method == LIST) {
                break;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "reading the trail is not in it"
            );
        }
        assert!(
            entries(&fixture, 1)
                .await
                .iter()
                .all(|e| !e.method.ends_with("GetTenant"))
        );
    }
}

#[tokio::test]
async fn a_service_that_does_not_say_what_it_touched_is_noticed() {
    let fixture = Fixture::open().await;
    let upstream = fixture.upstream.clone();
    // Without the guard that tells it.
    let bare = tower::service_fn(move |mut request: Request<Body>| {
        let claims = Claims::new(
            rapport_foundation::id::TenantId::nil(),
            "x",
            PrincipalKind::Staff,
        );
        request
            .extensions_mut()
            .insert(context::Context::from(claims));
        upstream.clone().oneshot(request)
    });
    fixture
        .env
        .house
        .neighbours
        .set(Role::Profiles, Channel::local(bare));
    let client = fixture.client(&fixture.token()).await;
    client.unary(UNARY, "hello").await.unwrap();
    client.unary(UNARY, "fail").await.unwrap_err();
    let found = entries(&fixture, 2).await;
    let untold: Vec<bool> = found.iter().map(|entry| entry.untold).collect();
    assert_eq!(
        untold,
        [true, false],
        "a failure may come from anywhere before the service"
    );
}
