//! The audit trail as managers read it, and what nobody outside reads.

use std::time::Duration;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use rapport_foundation::id::CustomerId;
use rapport_foundation::testing::engines;
use rapport_foundation::touched::TRAILER;
use rapport_proto::access::v1::audit_service_client::AuditServiceClient;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::access::v1::{
    AuditEntry, CreateTenantRequest, ExportAuditEntriesRequest, ListAuditEntriesRequest,
};
use tonic::body::Body;
use tonic::{Code, Request as Call};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{channel, entries, list, manager, operator, with};
use crate::fixture::{Fixture, Plan, message};
use crate::tokens::{self, ISSUER};
use crate::upstream::{SERVER_STREAM, UNARY};

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
        assert_eq!(count(question(|q| q.issuer = ISSUER.into())).await, 6);
        assert_eq!(
            count(question(|q| q.issuer = "rapport.api_keys".into())).await,
            0
        );
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
