//! The audit trail as calls leave it and managers read it.

use std::time::Duration;

use futures::StreamExt as _;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use rapport_foundation::channel::Channel;
use rapport_foundation::context::{self, Claims, PrincipalKind};
use rapport_foundation::id::CustomerId;
use rapport_foundation::role::Role;
use rapport_foundation::testing::engines;
use rapport_foundation::touched::TRAILER;
use rapport_gateway::Audit;
use rapport_proto::access::v1::audit_service_client::AuditServiceClient;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::access::v1::{
    AuditEntry, AuditPrincipalKind, CreateTenantRequest, ExportAuditEntriesRequest,
    GetTenantRequest, ListAuditEntriesRequest,
};
use serde_json::Value;
use tonic::body::Body;
use tonic::{Code, Request as Call};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::fixture::{Fixture, Plan, Way, message};
use crate::tokens;
use crate::trail::Tamperer;
use crate::upstream::{SERVER_STREAM, UNARY};

const LIST: &str = "rapport.access.v1.AuditService/ListAuditEntries";

fn channel(fixture: &Fixture) -> Channel {
    Channel::connect(&format!("http://{}", fixture.address), None).unwrap()
}

fn with<M>(fixture: &Fixture, claims: &Value, message: M) -> Call<M> {
    let mut request = Call::new(message);
    let bearer = format!("Bearer {}", fixture.key.token(claims));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    request
}

fn manager(fixture: &Fixture) -> Value {
    let claims = tokens::claims(&fixture.tenant.to_string(), &["manager"], fixture.now());
    tokens::with(claims, "sub", "the manager".into())
}

fn operator(fixture: &Fixture) -> Value {
    let mut claims = tokens::claims("", &["operator"], fixture.now());
    claims.as_object_mut().unwrap().remove("tenant");
    claims
}

async fn list(
    fixture: &Fixture,
    claims: &Value,
    question: ListAuditEntriesRequest,
) -> Vec<AuditEntry> {
    let mut client = AuditServiceClient::new(channel(fixture));
    let answer = client.list_audit_entries(with(fixture, claims, question));
    answer.await.unwrap().into_inner().entries
}

/// Entries are written behind the answers: asks until so many calls of others are there, oldest first.
async fn entries(fixture: &Fixture, count: usize) -> Vec<AuditEntry> {
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
fn brief(entries: &[AuditEntry]) -> Vec<(&str, &str)> {
    let method = |entry: &'_ AuditEntry| entry.method.rfind('/').map_or(0, |at| at + 1);
    entries
        .iter()
        .map(|entry| (&entry.method[method(entry)..], entry.outcome.as_str()))
        .collect()
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
        assert!(found.iter().all(|entry| !entry.untold), "{found:?}");
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
        assert!(
            rapport_gateway::verify(&fixture.env.db)
                .await
                .unwrap()
                .is_empty()
        );
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
        let claims = tokens::with(claims, "roles", serde_json::json!(["operator"]));
        let mut request = with(
            &fixture,
            &claims,
            CreateTenantRequest {
                request_id: Uuid::now_v7().to_string(),
                display_name: "Acme".into(),
                ..CreateTenantRequest::default()
            },
        );
        let headers = request.metadata_mut();
        headers.insert("x-request-id", "call-42".parse().unwrap());
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        headers.insert("traceparent", parent.parse().unwrap());
        let mut tenants = TenantServiceClient::new(channel(&fixture));
        let made = tenants.create_tenant(request).await.unwrap().into_inner();
        let made = made.tenant.unwrap();

        let entry = entries(&fixture, 1).await.remove(0);
        assert_eq!(entry.method, "rapport.access.v1.TenantService/CreateTenant");
        assert_eq!(
            (entry.principal.as_str(), entry.on_behalf_of.as_str()),
            ("the manager", "")
        );
        assert_eq!(entry.principal_kind(), AuditPrincipalKind::Staff);
        assert_eq!(entry.resource_ids, [made.id.as_str()]);
        assert_eq!(entry.resource_count, 1);
        assert_eq!(entry.request_id, "call-42");
        assert_eq!(entry.trace_id.len(), 32);
        assert_eq!(entry.end_time, Some(fixture.clock.now().into()));
        assert!(entry.duration.is_some() && entry.sequence == 1 && entry.hash.len() == 32);

        // The name of a tenant is none of the trail's business.
        assert!(!format!("{entry:?}").contains("Acme"));

        // Reading without change is not audited where the policy does not ask for it.
        let get = GetTenantRequest {
            tenant_id: fixture.tenant.to_string(),
        };
        tenants
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
async fn entries_are_found_by_every_filter_page_by_page_and_by_their_own_tenant_only() {
    for engine in engines() {
        let plan = Plan {
            engine,
            ..Plan::default()
        };
        let fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        for minute in 0..3 {
            client.unary(UNARY, "hello").await.unwrap();
            client.unary(UNARY, "fail").await.unwrap_err();
            entries(&fixture, 2 * (minute + 1)).await;
            fixture.clock.advance(Duration::from_secs(60));
        }
        let agent = entries(&fixture, 6).await[0].principal.clone();
        let at = |seconds: i64| {
            Some(prost_types::Timestamp {
                seconds: crate::fixture::START.0 / 1_000_000 + seconds,
                nanos: 0,
            })
        };
        let all = ListAuditEntriesRequest {
            page_size: 1000,
            method_prefix: "rapport.profiles.v1.".into(),
            ..ListAuditEntriesRequest::default()
        };
        let count = async |question| list(&fixture, &manager(&fixture), question).await.len();
        assert_eq!(count(all.clone()).await, 6);
        let question = |change: fn(&mut ListAuditEntriesRequest)| {
            let mut question = all.clone();
            change(&mut question);
            question
        };
        assert_eq!(count(question(|q| q.outcome = "NOT_FOUND".into())).await, 3);
        assert_eq!(
            count(question(|q| q.principal = "the manager".into())).await,
            0
        );
        assert_eq!(
            count(question(|q| q.method_prefix = "rapport_profiles".into())).await,
            0
        );
        let mut of_agent = all.clone();
        of_agent.principal = agent;
        assert_eq!(count(of_agent).await, 6);
        let mut between = all.clone();
        (between.start_time, between.end_time) = (at(60), at(120));
        assert_eq!(count(between).await, 2);
        let mut unknown = all.clone();
        unknown.resource_id = CustomerId::new(fixture.clock.now()).to_string();
        assert_eq!(count(unknown).await, 0);

        let newest_first = list(&fixture, &manager(&fixture), all.clone()).await;
        assert_eq!(by_pages(&fixture, all.clone()).await, newest_first);
        let mut oldest_first = newest_first;
        oldest_first.reverse();
        assert_eq!(export(&fixture, "rapport.profiles.v1.").await, oldest_first);

        // Another tenant has a trail of its own, and so has the installation.
        let mut others = TenantServiceClient::new(channel(&fixture));
        let other = CreateTenantRequest {
            request_id: Uuid::now_v7().to_string(),
            display_name: "Other".into(),
            ..CreateTenantRequest::default()
        };
        let call = with(&fixture, &operator(&fixture), other);
        let other = others
            .create_tenant(call)
            .await
            .unwrap()
            .into_inner()
            .tenant
            .unwrap();
        let foreigner = tokens::claims(&other.id, &["manager"], fixture.now());
        assert!(list(&fixture, &foreigner, all.clone()).await.is_empty());
        let everything = ListAuditEntriesRequest::default();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let seen = list(&fixture, &operator(&fixture), everything.clone()).await;
            assert!(
                seen.iter()
                    .all(|entry| !entry.method.starts_with("rapport.profiles"))
            );
            if seen
                .iter()
                .any(|entry| entry.resource_ids == [other.id.as_str()])
            {
                break;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the creation is not in the trail"
            );
        }
    }
}

async fn by_pages(fixture: &Fixture, mut question: ListAuditEntriesRequest) -> Vec<AuditEntry> {
    let mut client = AuditServiceClient::new(channel(fixture));
    question.page_size = 4;
    let mut found = Vec::new();
    loop {
        let call = with(fixture, &manager(fixture), question.clone());
        let page = client.list_audit_entries(call).await.unwrap().into_inner();
        assert!(page.entries.len() <= 4);
        found.extend(page.entries);
        if page.next_page_token.is_empty() {
            return found;
        }
        let mut foreign = question.clone();
        foreign.page_token = page.next_page_token.clone();
        foreign.outcome = "OK".into();
        let refused = client.list_audit_entries(with(fixture, &manager(fixture), foreign));
        assert_eq!(refused.await.unwrap_err().code(), Code::InvalidArgument);
        question.page_token = page.next_page_token;
    }
}

/// Broken off after each entry and taken up again.
async fn export(fixture: &Fixture, prefix: &str) -> Vec<AuditEntry> {
    let mut client = AuditServiceClient::new(channel(fixture));
    let mut question = ExportAuditEntriesRequest {
        end_time: Some(fixture.clock.now().into()),
        ..ExportAuditEntriesRequest::default()
    };
    let mut found = Vec::new();
    loop {
        let call = with(fixture, &manager(fixture), question.clone());
        let mut answers = client
            .export_audit_entries(call)
            .await
            .unwrap()
            .into_inner();
        let Some(answer) = answers.message().await.unwrap() else {
            return found;
        };
        question.cursor = answer.cursor;
        found.extend(
            answer
                .entry
                .filter(|entry| entry.method.starts_with(prefix)),
        );
    }
}

#[tokio::test]
async fn what_cannot_be_audited_is_refused_before_it_is_handed_on() {
    let mut plan = Plan::default();
    plan.config.audit = Audit {
        queue: 2,
        ..Audit::default()
    };
    let mut fixture = plan.open().await;
    let client = fixture.client(&fixture.token()).await;
    let waiting = [(); 2].map(|()| {
        let client = client.clone();
        tokio::spawn(async move { client.unary(UNARY, "wait").await })
    });
    while fixture.upstream.calls() < 2 {
        tokio::task::yield_now().await;
    }
    let refused = client.unary(UNARY, "hello").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "NOT_AUDITABLE");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert_eq!(fixture.upstream.calls(), 2, "it was handed on");
    // What is not audited needs no place.
    let get = GetTenantRequest {
        tenant_id: fixture.tenant.to_string(),
    };
    let mut tenants = TenantServiceClient::new(channel(&fixture));
    tenants
        .get_tenant(with(&fixture, &manager(&fixture), get))
        .await
        .unwrap();

    for call in waiting {
        call.abort();
        fixture.dropped.recv().await.unwrap();
    }
    let places_again = async {
        while client.unary(UNARY, "hello").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), places_again)
        .await
        .unwrap();
}

#[tokio::test]
async fn while_the_database_is_away_calls_go_on_until_the_queue_is_full_and_none_is_lost() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            ..Plan::default()
        };
        plan.config.audit = Audit {
            queue: 8,
            batch: 4,
            ..Audit::default()
        };
        let fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        client.unary(UNARY, "before").await.unwrap();
        entries(&fixture, 1).await;

        let database = Tamperer::of(&fixture.env.database).await;
        database
            .run("alter table audit_entries rename to audit_entries_away")
            .await;
        let mut answered = 1;
        while client.unary(UNARY, "hello").await.is_ok() {
            answered += 1;
            assert!(
                answered <= 13,
                "more calls than the queue and one batch hold"
            );
        }
        assert!(answered > 8, "the queue was not used");
        let handed_on = fixture.upstream.calls();
        client.unary(UNARY, "hello").await.unwrap_err();
        assert_eq!(fixture.upstream.calls(), handed_on);

        database
            .run("alter table audit_entries_away rename to audit_entries")
            .await;
        let back = async {
            while client.unary(UNARY, "after").await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), back)
            .await
            .unwrap();
        let calls = fixture.upstream.calls();
        let found = until_listed(&fixture, calls).await;
        assert_eq!(found.len(), calls, "each call once");
        assert!(
            rapport_gateway::verify(&fixture.env.db)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

/// Like [`entries`], with a queue so short that asking may be refused.
async fn until_listed(fixture: &Fixture, count: usize) -> Vec<AuditEntry> {
    let mut client = AuditServiceClient::new(channel(fixture));
    let question = ListAuditEntriesRequest {
        page_size: 1000,
        method_prefix: "rapport.profiles.".into(),
        ..ListAuditEntriesRequest::default()
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let call = with(fixture, &manager(fixture), question.clone());
        if let Ok(answer) = client.list_audit_entries(call).await
            && let entries = answer.into_inner().entries
            && entries.len() >= count
        {
            return entries;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "calls are missing in the trail"
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

/// Every header and trailer of an answer.
async fn told(fixture: &Fixture, path: &str, content: &str, body: Body) -> HeaderMap {
    let mut request = Request::post(path).body(body).unwrap();
    if path.starts_with("/v1/") {
        *request.method_mut() = http::Method::GET;
    }
    let headers = request.headers_mut();
    headers.insert("content-type", content.parse().unwrap());
    let claims = tokens::claims(
        &fixture.tenant.to_string(),
        &["agent", "manager"],
        fixture.now(),
    );
    let bearer = format!("Bearer {}", fixture.key.token(&claims));
    headers.insert("authorization", bearer.parse().unwrap());
    let (parts, body) = fixture
        .front
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .into_parts();
    assert_eq!(parts.status, 200, "{path} as {content}");
    let mut all = parts.headers;
    let body = body.collect().await.unwrap();
    all.extend(body.trailers().cloned().unwrap_or_default());
    // gRPC-Web carries its trailers in the body.
    let bytes = body.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains(TRAILER), "{path} as {content}: {text}");
    all
}

#[tokio::test]
async fn what_a_service_touched_is_not_told_outside_in_any_protocol() {
    let fixture = Fixture::open().await;
    let list = "/rapport.access.v1.AuditService/ListAuditEntries";
    let empty = || Body::new(Full::new(bytes::Bytes::from_static(&[0; 5])));
    let json = || Body::new(Full::new(bytes::Bytes::from_static(b"{}")));
    for (path, content, body) in [
        (list, "application/grpc", empty()),
        (list, "application/grpc-web+proto", empty()),
        (list, "application/json", json()),
        ("/v1/audit/entries", "application/json", Body::empty()),
        (UNARY, "application/grpc", message("hello")),
        (UNARY, "application/grpc", message("fail")),
        (SERVER_STREAM, "application/grpc", message("fail")),
    ] {
        let headers = told(&fixture, path, content, body).await;
        assert!(
            !headers.contains_key(TRAILER),
            "{path} as {content}: {headers:?}"
        );
    }
    // It was there to be told: nothing was untold, and every call named its number of resources.
    let found = entries(&fixture, 3).await;
    assert!(found.iter().all(|entry| !entry.untold));
}

#[tokio::test]
async fn what_is_not_a_question_is_refused_with_every_violation() {
    let fixture = Fixture::open().await;
    let question = ListAuditEntriesRequest {
        page_size: -1,
        method_prefix: "rapport%".into(),
        resource_id: "somebody".into(),
        outcome: "FINE".into(),
        ..ListAuditEntriesRequest::default()
    };
    let mut client = AuditServiceClient::new(channel(&fixture));
    let call = with(&fixture, &manager(&fixture), question);
    let refused = client.list_audit_entries(call).await.unwrap_err();
    let details = refused.get_details_bad_request().unwrap();
    let fields: Vec<_> = details
        .field_violations
        .into_iter()
        .map(|v| v.field)
        .collect();
    assert_eq!(
        fields,
        ["method_prefix", "resource_id", "outcome", "page_size"]
    );
    let agent = fixture.token();
    let mut call = Call::new(ListAuditEntriesRequest::default());
    let bearer = format!("Bearer {agent}").parse().unwrap();
    call.metadata_mut().insert("authorization", bearer);
    let refused = client.list_audit_entries(call).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn everything_is_written_before_the_process_ends() {
    for engine in engines() {
        let plan = Plan {
            engine,
            ..Plan::default()
        };
        let mut fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        for _ in 0..20 {
            client.unary(UNARY, "hello").await.unwrap();
        }
        drop(client);
        fixture.env.house.shutdown.cancel();
        for task in fixture.tasks.drain(..) {
            let joined = tokio::time::timeout(Duration::from_secs(20), task.handle).await;
            joined
                .unwrap_or_else(|_| panic!("{} does not end", task.name))
                .unwrap();
        }
        let database = Tamperer::of(&fixture.env.database).await;
        let count = database
            .count("select count(*) as count from audit_entries")
            .await;
        assert_eq!(count, 20);
        // Up to the last entry: nothing can be cut off unseen.
        let anchored = database
            .count("select max(seq) as count from audit_anchors")
            .await;
        assert_eq!(anchored, 20);
    }
}
