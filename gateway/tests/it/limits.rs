//! Quotas, as callers meet them.

use std::time::{Duration, Instant};

use http::HeaderMap;
use rapport_foundation::channel::Channel;
use rapport_gateway::domain::quota::{Quota, Rate};
use rapport_gateway::{Config, OverloadConfig, Quotas};
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::access::v1::{self as api, CreateTenantRequest, UpdateTenantRequest};
use serde_json::json;
use tonic_types::StatusExt as _;

use crate::fixture::{Fixture, Plan};
use crate::staff::{asked, reason, request_id};
use crate::tokens::with;
use crate::upstream::UNARY;

async fn under(staff: Quota) -> Fixture {
    let quotas = Quotas {
        staff,
        ..Quotas::default()
    };
    Plan {
        config: Config {
            quotas,
            ..Plan::default().config
        },
        ..Plan::default()
    }
    .open()
    .await
}

fn status(headers: &HeaderMap) -> tonic::Status {
    tonic::Status::from_header_map(headers).unwrap()
}

#[tokio::test]
async fn who_is_too_fast_learns_which_quota_it_was_and_when_to_come_again() {
    let fixture = under(Quota {
        read: Rate::of(1, 3),
        write: Rate::of(1, 3),
        ..Quota::default()
    })
    .await;
    let bearer = format!("Bearer {}", fixture.token());
    let headers = [("authorization", bearer.as_str())];
    let call = || fixture.answer(UNARY, &headers);
    for _ in 0..3 {
        assert_eq!(status(&call().await.1).code(), tonic::Code::Ok);
    }
    let refused = status(&call().await.1);
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "RATE_EXCEEDED");
    let retry = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(
        retry > Duration::ZERO && retry <= Duration::from_secs(1),
        "{retry:?}"
    );
    let quota = &details.quota_failure().unwrap().violations[0];
    assert_eq!(quota.subject, "principal");
    // The service never saw it.
    assert_eq!(fixture.upstream.calls(), 3);
}

fn tenants(fixture: &Fixture) -> TenantServiceClient<Channel> {
    let url = format!("http://{}", fixture.address);
    TenantServiceClient::new(Channel::connect(&url, None).unwrap())
}

#[tokio::test]
async fn one_noisy_tenant_does_not_slow_another() {
    let mut plan = Plan::default();
    // Every answer comes too late for this part: it is trusted with less and less.
    plan.config.overload = OverloadConfig {
        target_ms: 0,
        first: 40,
        least: 16,
        most: 40,
    };
    let fixture = plan.open().await;
    let noisy = fixture.client(&fixture.token()).await;
    let noise: Vec<_> = (0..60)
        .map(|_| {
            let noisy = noisy.clone();
            tokio::spawn(async move { noisy.unary(UNARY, "wait").await })
        })
        .collect();
    while noise.iter().filter(|call| call.is_finished()).count() < 20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.upstream.calls(), 40);

    let create = CreateTenantRequest {
        request_id: request_id(),
        display_name: "Quiet".into(),
        time_zone: "Europe/Rome".into(),
        ..CreateTenantRequest::default()
    };
    let mut tenants = tenants(&fixture);
    let made = tenants.create_tenant(asked(&fixture.operator(), create));
    let quiet = made.await.unwrap().into_inner().tenant.unwrap().id;
    let token = with(fixture.claims(), "tenant", json!(quiet));
    let quiet = fixture.client(&fixture.key.token(&token)).await;
    // Long enough for what is trusted to fall to the least.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        quiet.unary(UNARY, "hello").await.unwrap();
        let shed = noisy.unary(UNARY, "hello").await.unwrap_err();
        assert_eq!(reason(&shed), "OVERLOADED");
    }
    for call in noise {
        call.abort();
    }
}

#[tokio::test]
async fn what_an_operator_lets_a_tenant_have_is_in_force_at_once() {
    let fixture = Fixture::open().await;
    let client = fixture.client(&fixture.token()).await;
    let update = |quota| UpdateTenantRequest {
        request_id: request_id(),
        tenant_id: fixture.tenant.to_string(),
        tenant: Some(api::Tenant {
            quota: Some(quota),
            ..api::Tenant::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["quota".into()],
        }),
        etag: String::new(),
    };
    let two = api::Quota {
        read: Some(api::Rate {
            calls_per_second: 1,
            burst: 2,
        }),
        ..api::Quota::default()
    };
    let mut tenants = tenants(&fixture);
    let operator = fixture.operator();
    tenants
        .update_tenant(asked(&operator, update(two)))
        .await
        .unwrap();
    for _ in 0..2 {
        client.unary(UNARY, "hello").await.unwrap();
    }
    let refused = client.unary(UNARY, "hello").await.unwrap_err();
    let quota = refused.get_details_quota_failure().unwrap();
    assert_eq!(quota.violations[0].subject, "tenant");
    tenants
        .update_tenant(asked(&operator, update(api::Quota::default())))
        .await
        .unwrap();
    client.unary(UNARY, "hello").await.unwrap();
}
