//! Whether a part of the suite keeps up, and who waits when it does not.
//!
//! When it is full, a tenant that has fewer calls running than an equal share of it is still let in, out of a reserve
//! that others cannot use: one noisy tenant does not shut out another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rapport_foundation::role::Role;

use super::aimd::{self, ANSWERS, WINDOW, Window};
use super::config::OverloadConfig;
use super::share::Share;
use crate::error::Rejection;
use crate::protection::{Protection, Protections};

/// The part of the limit that only those below their share may use: one fifth.
const RESERVE: usize = 5;

pub(super) struct Overload {
    began: Instant,
    target: Duration,
    least: f64,
    most: f64,
    /// The limit, as the bits of an `f64`.
    limit: AtomicU64,
    running: AtomicUsize,
    /// Tenants with calls running.
    tenants: AtomicUsize,
    gauge: Gauge,
    protections: Protections,
}

/// The window that is being looked at.
#[derive(Default)]
struct Gauge {
    /// When it began, in microseconds since the gauge exists.
    began_us: AtomicU64,
    answered: AtomicU64,
    late: AtomicU64,
    most: AtomicUsize,
}

impl Overload {
    pub(super) fn new(config: &OverloadConfig, protections: Protections) -> Self {
        let least = f64::from(config.least.max(1));
        let most = f64::from(config.most).max(least);
        let first = f64::from(config.first).clamp(least, most);
        Overload {
            began: Instant::now(),
            target: Duration::from_millis(config.target_ms),
            least,
            most,
            limit: AtomicU64::new(first.to_bits()),
            running: AtomicUsize::new(0),
            tenants: AtomicUsize::new(0),
            gauge: Gauge::default(),
            protections,
        }
    }

    fn limit(&self) -> f64 {
        f64::from_bits(self.limit.load(Ordering::Relaxed))
    }

    /// Lets a call of a tenant in, if there is room for it.
    pub(super) fn enter(
        this: &Arc<Self>,
        tenant: &Arc<Share>,
        part: Role,
    ) -> Result<Entered, Rejection> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the limit is bounded by a setting of 32 bits"
        )]
        let limit = this.limit() as usize;
        let mine = tenant.running(part);
        let held = mine.load(Ordering::Relaxed);
        let tenants = this.tenants.load(Ordering::Relaxed) + usize::from(held == 0);
        let reserve = (limit / RESERVE).max(1);
        let room = match held < (limit / tenants.max(1)).max(1) {
            true => limit + reserve,
            false => limit,
        };
        // The limit may have fallen below what others have running. Whatever they have, each has its part of the reserve.
        let own = held < reserve / tenants.max(1);
        let running = this.running.fetch_add(1, Ordering::Relaxed);
        if running >= room && !own && this.protections.on(Protection::Overload) {
            this.running.fetch_sub(1, Ordering::Relaxed);
            return Err(Rejection::Overloaded);
        }
        if mine.fetch_add(1, Ordering::Relaxed) == 0 {
            this.tenants.fetch_add(1, Ordering::Relaxed);
        }
        this.gauge.most.fetch_max(running + 1, Ordering::Relaxed);
        Ok(Entered {
            overload: Arc::clone(this),
            tenant: Arc::clone(tenant),
            part,
        })
    }

    /// Notes how long the part took for a call, and whether it said that it cannot keep up.
    fn note(&self, took: Duration, struggling: bool) {
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.note_at(now, took, struggling);
    }

    fn note_at(&self, now: u64, took: Duration, struggling: bool) {
        self.gauge.answered.fetch_add(1, Ordering::Relaxed);
        if struggling || took > self.target {
            self.gauge.late.fetch_add(1, Ordering::Relaxed);
        }
        let began = self.gauge.began_us.load(Ordering::Relaxed);
        let long = now.saturating_sub(began) >= WINDOW.as_micros().try_into().unwrap_or(u64::MAX);
        if !long || self.gauge.answered.load(Ordering::Relaxed) < ANSWERS {
            return;
        }
        // Whoever moves the beginning on judges the window that ended.
        let moved =
            self.gauge
                .began_us
                .compare_exchange(began, now, Ordering::Relaxed, Ordering::Relaxed);
        if moved.is_ok() {
            let window = Window {
                answered: self.gauge.answered.swap(0, Ordering::Relaxed),
                late: self.gauge.late.swap(0, Ordering::Relaxed),
                most: self
                    .gauge
                    .most
                    .swap(self.running.load(Ordering::Relaxed), Ordering::Relaxed),
            };
            let next = aimd::next(self.limit(), window, self.least, self.most);
            self.limit.store(next.to_bits(), Ordering::Relaxed);
        }
    }
}

/// A call that was let in; its place is free again when this is dropped.
pub(super) struct Entered {
    overload: Arc<Overload>,
    tenant: Arc<Share>,
    part: Role,
}

impl Entered {
    pub(super) fn note(&self, took: Duration, struggling: bool) {
        self.overload.note(took, struggling);
    }

    /// Notes a call whose caller did not wait for the answer. Only one that waited for long says something of the part.
    pub(super) fn given_up(&self, waited: Duration) {
        if waited > self.overload.target {
            self.overload.note(waited, false);
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.overload.running.fetch_sub(1, Ordering::Relaxed);
        if self
            .tenant
            .running(self.part)
            .fetch_sub(1, Ordering::Relaxed)
            == 1
        {
            self.overload.tenants.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use crate::domain::quota::Quota;

    fn overload(first: u32) -> Arc<Overload> {
        let config = OverloadConfig {
            first,
            least: 1,
            ..OverloadConfig::default()
        };
        Arc::new(Overload::new(&config, Protections::default()))
    }

    fn tenant() -> Arc<Share> {
        Arc::new(Share::new(Quota::default(), Protections::default()))
    }

    #[test]
    fn what_is_full_refuses_and_a_place_that_is_left_is_free_again() {
        let (overload, tenant) = (overload(10), tenant());
        let enter = || Overload::enter(&overload, &tenant, Role::Profiles);
        let mut inside: Vec<Entered> = (0..10).map(|_| enter().unwrap()).collect();
        assert_eq!(enter().err(), Some(Rejection::Overloaded));
        inside.pop();
        assert!(enter().is_ok());
    }

    #[test]
    fn a_noisy_tenant_does_not_shut_out_another() {
        let overload = overload(10);
        let (noisy, quiet) = (tenant(), tenant());
        let noise: Vec<_> =
            std::iter::from_fn(|| Overload::enter(&overload, &noisy, Role::Profiles).ok())
                .take(1000)
                .collect();
        assert_eq!(noise.len(), 10);
        let first = Overload::enter(&overload, &quiet, Role::Profiles).unwrap();
        let second = Overload::enter(&overload, &quiet, Role::Profiles).unwrap();
        // The reserve is a fifth, and now it is used.
        assert!(Overload::enter(&overload, &quiet, Role::Profiles).is_err());
        drop((first, second));
        assert!(Overload::enter(&overload, &noisy, Role::Profiles).is_err());
    }

    #[test]
    fn a_limit_that_fell_below_what_is_running_shuts_out_no_quiet_tenant() {
        let overload = overload(100);
        let (noisy, quiet) = (tenant(), tenant());
        let enter = |tenant| Overload::enter(&overload, tenant, Role::Profiles);
        let _noise: Vec<_> = (0..100).map(|_| enter(&noisy).unwrap()).collect();
        overload.limit.store(20_f64.to_bits(), Ordering::Relaxed);
        assert!(enter(&noisy).is_err());
        // Half of the reserve of four: two tenants are there.
        let both = [enter(&quiet).unwrap(), enter(&quiet).unwrap()];
        assert!(enter(&quiet).is_err());
        drop(both);
        assert_eq!(overload.tenants.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn who_has_more_than_an_equal_share_has_nothing_of_the_reserve() {
        let overload = overload(10);
        let (noisy, quiet) = (tenant(), tenant());
        let enter = |tenant| Overload::enter(&overload, tenant, Role::Profiles);
        let _noise: Vec<_> = (0..6).map(|_| enter(&noisy).unwrap()).collect();
        let _quiet: Vec<_> = (0..4).map(|_| enter(&quiet).unwrap()).collect();
        assert!(enter(&noisy).is_err());
        assert!(enter(&quiet).is_ok());
    }

    const WINDOW_US: u64 = 100_000;
    const QUICK: Duration = Duration::from_millis(1);

    /// The limit after a window that ended at this moment with so many answers.
    fn judged(overload: &Overload, at_us: u64, answers: u64, took: Duration, says: bool) -> f64 {
        for _ in 0..answers {
            overload.note_at(at_us, took, says);
        }
        overload.limit()
    }

    #[test]
    fn a_struggling_part_is_trusted_with_less_and_with_more_when_it_has_recovered() {
        let (overload, tenant) = (overload(100), tenant());
        let _busy: Vec<Entered> = (0..100)
            .map(|_| Overload::enter(&overload, &tenant, Role::Profiles).unwrap())
            .collect();
        let windows = |at, took, says| judged(&overload, at * WINDOW_US, ANSWERS, took, says);
        assert_eq!(windows(1, QUICK, true), 80.0);
        assert_eq!(windows(2, QUICK, false), 88.0);
        let target = overload.target;
        assert!(windows(3, target, false) > 88.0, "just in time");
        let before = overload.limit();
        let late = target + Duration::from_micros(1);
        assert_eq!(windows(4, late, false), before * 0.8);
    }

    #[test]
    fn a_window_is_judged_when_it_is_long_and_has_answers_enough() {
        let (overload, tenant) = (overload(100), tenant());
        let _busy: Vec<Entered> = (0..100)
            .map(|_| Overload::enter(&overload, &tenant, Role::Profiles).unwrap())
            .collect();
        let windows = |at, answers| judged(&overload, at, answers, QUICK, true);
        assert_eq!(windows(WINDOW_US - 1, ANSWERS * 10), 100.0, "too short");
        assert_eq!(windows(WINDOW_US, 1), 80.0);
        assert_eq!(windows(3 * WINDOW_US, ANSWERS - 1), 80.0, "too few");
        assert_eq!(windows(3 * WINDOW_US, 1), 64.0);
    }

    #[test]
    fn the_most_that_ran_at_a_time_count_when_some_are_gone() {
        let (overload, tenant) = (overload(2), tenant());
        let enter = || Overload::enter(&overload, &tenant, Role::Profiles).unwrap();
        let (_stays, leaves) = (enter(), enter());
        drop(leaves);
        assert_eq!(judged(&overload, WINDOW_US, ANSWERS, QUICK, false), 3.0);
    }

    #[test]
    fn a_caller_who_gave_up_says_something_of_the_part_when_they_had_waited_for_long() {
        let (overload, tenant) = (overload(10), tenant());
        let call = Overload::enter(&overload, &tenant, Role::Profiles).unwrap();
        let noted = || {
            let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
            (of(&overload.gauge.answered), of(&overload.gauge.late))
        };
        call.given_up(overload.target);
        assert_eq!(noted(), (0, 0));
        call.given_up(overload.target + Duration::from_nanos(1));
        assert_eq!(noted(), (1, 1));
    }
}
