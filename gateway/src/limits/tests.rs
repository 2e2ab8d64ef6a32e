#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use rapport_foundation::context::Claims;
use rapport_foundation::time::{Clock, Micros};
use rapport_proto::options::v1::RateClass;

use super::*;
use crate::domain::identity::Identity;
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

#[test]
fn one_name_at_two_issuers_is_two_principals_and_operators_are_told_apart_too() {
    let limiter = limiter(Quotas {
        staff: small(1),
        machine: small(1),
        ..Quotas::default()
    });
    let (tenant, read) = (tenant(), method(READ));
    let here = caller(tenant, "anna");
    let mut elsewhere = here.clone();
    elsewhere.identity = Identity::new("https://other.test", "anna");
    assert!(limiter.admit(&here, &read).is_ok() && limiter.admit(&elsewhere, &read).is_ok());
    assert!(limiter.admit(&here, &read).is_err() && limiter.admit(&elsewhere, &read).is_err());
    let operator =
        |name| Caller::claiming(Claims::new(TenantId::nil(), name, PrincipalKind::Operator));
    assert!(limiter.admit(&operator("a"), &read).is_ok());
    assert!(limiter.admit(&operator("a"), &read).is_err());
    assert!(limiter.admit(&operator("b"), &read).is_ok());
}

#[test]
fn what_takes_long_by_its_nature_takes_no_place_of_what_must_be_quick() {
    let most = OverloadConfig {
        least: 1,
        first: 1,
        most: 1,
        ..OverloadConfig::default()
    };
    let limiter = Limiter::new(
        Quotas::default(),
        &most,
        Directory::new(Clock::manual(Micros::EPOCH)),
        Protections::default(),
    );
    let bulk = method("/rapport.profiles.v1.LogService/ReadLog");
    assert!(!bulk.streaming);
    let admitted = |tenant, method| limiter.admit(&caller(tenant, "a"), method);
    let running: Vec<_> = (0..10).map(|_| admitted(tenant(), &bulk)).collect();
    assert!(running.iter().all(Result::is_ok));
    // None of them stands in the way of the one that is quick.
    let (one, read) = (tenant(), method(READ));
    let quick = admitted(one, &read);
    assert!(quick.is_ok());
    let more: Vec<_> = (0..10).map(|_| admitted(tenant(), &read)).collect();
    assert!(more.iter().any(Result::is_err), "the bound is none");
}

/// A limiter that lets one principal have one stream, that stream, and the principal.
fn with_a_stream() -> (Limiter, Permit, Caller, Arc<Method>) {
    let limiter = limiter(Quotas {
        staff: Quota {
            concurrent_streams: Some(1),
            ..Quota::default()
        },
        ..Quotas::default()
    });
    let (watcher, watch) = (caller(tenant(), "watcher"), method(WATCH));
    let permit = limiter.admit(&watcher, &watch).unwrap();
    assert!(limiter.admit(&watcher, &watch).is_err());
    (limiter, permit, watcher, watch)
}

#[test]
fn a_share_that_was_forgotten_while_a_stream_runs_counts_from_nothing_and_never_below() {
    let (limiter, running, watcher, watch) = with_a_stream();
    limiter.0.shares.invalidate_all();
    limiter.0.shares.run_pending_tasks();
    let again = limiter.admit(&watcher, &watch).unwrap();
    assert!(limiter.admit(&watcher, &watch).is_err());
    drop(running);
    assert!(
        limiter.admit(&watcher, &watch).is_err(),
        "the place of another share"
    );
    drop(again);
    assert!(limiter.admit(&watcher, &watch).is_ok());
}

#[test]
fn a_quota_that_changes_while_calls_run_holds_for_those_that_follow() {
    let (limiter, holder) = (limiter(Quotas::default()), (tenant(), None));
    let places = |most| Quota {
        concurrent_calls: Some(most),
        ..Quota::default()
    };
    let before = limiter.share(holder, &places(1));
    let running = Share::occupy(&before, false, "tenant").unwrap();
    assert!(Arc::ptr_eq(&before, &limiter.share(holder, &places(1))));
    let after = limiter.share(holder, &places(2));
    assert!(!Arc::ptr_eq(&before, &after));
    drop(running);
    let both = [(); 2].map(|()| Share::occupy(&after, false, "tenant"));
    assert!(both.iter().all(Result::is_ok));
    assert!(Share::occupy(&after, false, "tenant").is_err());
}

#[test]
fn the_greatest_burst_and_the_greatest_rate_are_counted_without_overflow() {
    let draw = |rate| {
        let quota = Quota {
            read: Some(rate),
            ..Quota::default()
        };
        let share = Share::new(quota, Protections::default());
        (0..1_000).all(|_| share.draw(RateClass::Read, "tenant").is_ok())
    };
    for (calls_per_second, burst) in [(1, u32::MAX), (u32::MAX, 1), (u32::MAX, u32::MAX)] {
        let rate = Rate {
            calls_per_second,
            burst,
        };
        assert!(draw(rate), "{rate:?}");
    }
}

#[test]
fn a_quota_with_a_zero_or_without_end_is_a_slip() {
    assert!(Quotas::default().check().is_ok());
    let slips: [fn(&mut Quota); 5] = [
        |quota| {
            quota.read = Some(Rate {
                calls_per_second: 0,
                burst: 1,
            })
        },
        |quota| {
            quota.write = Some(Rate {
                calls_per_second: 1,
                burst: 0,
            })
        },
        |quota| quota.bulk = Rate::of(1_000_001, 1),
        |quota| quota.concurrent_calls = Some(0),
        |quota| quota.concurrent_streams = Some(u32::MAX),
    ];
    for slip in slips {
        let mut quotas = Quotas::default();
        slip(&mut quotas.customer);
        let refused = quotas.check().unwrap_err().to_string();
        assert!(refused.contains("quotas.customer"), "{refused}");
    }
}

/// Whether a part whose calls end in this way, one behind the other, is trusted with less. Eight more run all the time.
fn is_trusted_with_less(target_ms: u64, within: Duration, end: fn(Permit)) -> bool {
    let free = Quotas {
        tenant: Quota::default(),
        staff: Quota::default(),
        ..Quotas::default()
    };
    let ten = OverloadConfig {
        target_ms,
        first: 10,
        least: 1,
        most: 10,
    };
    let limiter = Limiter::new(
        free,
        &ten,
        Directory::new(Clock::manual(Micros::EPOCH)),
        Protections::default(),
    );
    let (one, read) = (caller(tenant(), "a"), method(READ));
    let _running: Vec<_> = (0..8)
        .map(|_| limiter.admit(&one, &read).unwrap())
        .collect();
    let begun = std::time::Instant::now();
    while begun.elapsed() < within {
        match limiter.admit(&one, &read) {
            Ok(permit) => end(permit),
            Err(refused) => {
                assert_eq!(refused, Rejection::Overloaded);
                return true;
            }
        }
    }
    false
}

fn asked(permit: &Permit) {
    permit.asked().unwrap().now();
}

#[test]
fn what_is_answered_late_or_given_up_after_long_is_noted_and_so_is_what_says_that_it_struggles() {
    let long = Duration::from_secs(20);
    let late: fn(Permit) = |mut permit| {
        asked(&permit);
        permit.answered(false);
    };
    assert!(is_trusted_with_less(0, long, late));
    let given_up: fn(Permit) = |permit| asked(&permit);
    assert!(is_trusted_with_less(0, long, given_up));
    let struggling: fn(Permit) = |mut permit| {
        asked(&permit);
        permit.answered(true);
    };
    assert!(is_trusted_with_less(60_000, long, struggling));
}

#[test]
fn what_is_punctual_or_was_never_wholly_asked_is_not_held_against_a_part() {
    let while_it_is_looked_at = Duration::from_millis(250);
    let held_against = |target, end| is_trusted_with_less(target, while_it_is_looked_at, end);
    assert!(!held_against(60_000, |mut permit| {
        asked(&permit);
        permit.answered(false);
    }));
    assert!(!held_against(60_000, |permit| asked(&permit)));
    assert!(!held_against(0, |mut permit| permit.answered(true)));
    assert!(!held_against(0, drop));
}
