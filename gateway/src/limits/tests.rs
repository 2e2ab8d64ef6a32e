#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use rapport_foundation::context::Claims;
use rapport_foundation::time::{Clock, Micros};

use super::*;
use crate::domain::quota::Rate;
use crate::policy::Policies;
use crate::protection::Protections;

const READ: &str = "/rapport.profiles.v1.CustomerService/GetCustomer";
const WATCH: &str = "/rapport.interactions.v1.InteractionService/WatchInteractions";

fn limiter(quotas: Quotas) -> Limiter {
    Limiter::new(
        quotas,
        &OverloadConfig::default(),
        Directory::new(Clock::manual(Micros::EPOCH)),
        Protections::default(),
    )
}

fn small(calls: u32) -> Quota {
    Quota {
        read: Rate::of(1, calls),
        concurrent_streams: Some(calls),
        ..Quota::default()
    }
}

fn caller(tenant: TenantId, principal: &str) -> Caller {
    Caller::claiming(Claims::new(tenant, principal, PrincipalKind::Staff))
}

fn method(path: &str) -> Arc<Method> {
    let policies = Policies::read(rapport_proto::pool()).unwrap();
    Arc::clone(policies.find(path, Protections::default()).unwrap())
}

fn tenant() -> TenantId {
    TenantId::new(Micros::EPOCH)
}

#[test]
fn a_principal_that_is_too_fast_is_refused_and_told_when_to_come_again() {
    let limiter = limiter(Quotas {
        staff: small(2),
        ..Quotas::default()
    });
    let (tenant, read) = (tenant(), method(READ));
    let fast = caller(tenant, "fast");
    for _ in 0..2 {
        limiter.admit(&fast, &read).unwrap();
    }
    let Some(Rejection::RateExceeded {
        whose,
        class,
        per_second,
        retry_after,
    }) = limiter.admit(&fast, &read).err()
    else {
        panic!("the third call of two was let through");
    };
    assert_eq!((whose, class, per_second), ("principal", "read", 1));
    assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_secs(1));
    // Another one, and the same name in another tenant, draw from buckets of their own.
    assert!(limiter.admit(&caller(tenant, "other"), &read).is_ok());
    assert!(
        limiter
            .admit(&caller(self::tenant(), "fast"), &read)
            .is_ok()
    );
}

#[test]
fn the_principals_of_a_tenant_share_what_the_tenant_may() {
    let limiter = limiter(Quotas {
        tenant: small(2),
        ..Quotas::default()
    });
    let (tenant, read) = (tenant(), method(READ));
    for name in ["a", "b"] {
        limiter.admit(&caller(tenant, name), &read).unwrap();
    }
    let refused = limiter.admit(&caller(tenant, "c"), &read).err();
    assert!(matches!(
        refused,
        Some(Rejection::RateExceeded {
            whose: "tenant",
            ..
        })
    ));
}

#[test]
fn a_stream_takes_a_place_until_its_permit_is_gone() {
    let limiter = limiter(Quotas {
        staff: small(2),
        ..Quotas::default()
    });
    let (watcher, watch) = (caller(tenant(), "watcher"), method(WATCH));
    let first = limiter.admit(&watcher, &watch).unwrap();
    let _second = limiter.admit(&watcher, &watch).unwrap();
    let refused = limiter.admit(&watcher, &watch).err();
    assert!(matches!(
        refused,
        Some(Rejection::TooManyAtOnce {
            whose: "principal",
            what: "streams",
            most: 2,
            ..
        })
    ));
    drop(first);
    assert!(limiter.admit(&watcher, &watch).is_ok());
}

#[test]
fn what_a_tenant_may_goes_before_what_everybody_may() {
    let everybody = small(1);
    let own = Quota {
        read: Rate::of(7, 0),
        ..Quota::default()
    };
    let quota = everybody.overlaid(Some(&own));
    assert_eq!(quota.read, Rate::of(7, 7));
    assert_eq!(quota.concurrent_streams, Some(1));
    assert_eq!(everybody.overlaid(None), everybody);
}
