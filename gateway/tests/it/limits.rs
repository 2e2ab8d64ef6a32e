//! Quotas, as callers meet them.

use std::time::Duration;

use http::HeaderMap;
use rapport_gateway::domain::quota::{Quota, Rate};
use rapport_gateway::{Config, Quotas};
use tonic_types::StatusExt as _;

use crate::fixture::{Fixture, Plan};
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
