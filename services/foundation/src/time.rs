//! UTC microseconds, the only time that is stored, and the clock it comes from.

use std::ops::{Add, AddAssign, Sub};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A moment: microseconds since 1970-01-01 00:00 UTC, the precision both engines keep.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    sea_orm::DeriveValueType,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// 1970-01-01 00:00 UTC.
    pub const EPOCH: Self = Self(0);
    /// The last representable moment; stands for "never".
    pub const MAX: Self = Self(i64::MAX);

    /// The time from `earlier` to this moment; zero when it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// From whole seconds since 1970.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }
}

impl Add<Duration> for Micros {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl AddAssign<Duration> for Micros {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Micros {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub for Micros {
    type Output = Duration;
    /// Zero when the right side is later.
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl From<SystemTime> for Micros {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(span) => Self::EPOCH + span,
            Err(before) => Self::EPOCH - before.duration(),
        }
    }
}

impl From<Micros> for prost_types::Timestamp {
    fn from(at: Micros) -> Self {
        let nanos = i32::try_from(at.0.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
        Self {
            seconds: at.0.div_euclid(1_000_000),
            nanos,
        }
    }
}

impl From<&prost_types::Timestamp> for Micros {
    /// What is finer than a microsecond is cut off.
    fn from(at: &prost_types::Timestamp) -> Self {
        Self(
            at.seconds
                .saturating_mul(1_000_000)
                .saturating_add(i64::from(at.nanos).div_euclid(1_000)),
        )
    }
}

impl From<prost_types::Timestamp> for Micros {
    fn from(at: prost_types::Timestamp) -> Self {
        Self::from(&at)
    }
}

/// Where the time comes from: the system, or a test that moves it by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<watch::Sender<Shown>>),
}

/// What a manual clock shows.
#[derive(Debug, Clone, Copy)]
struct Shown {
    now: Micros,
    passed: Duration,
}

/// Since when time passes on the clock of the machine.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Sleeps on the system clock are cut into steps, so that a clock that was set is noticed.
const STEP: Duration = Duration::from_secs(30);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is moved.
    #[must_use]
    pub fn manual(start: Micros) -> Self {
        let shown = Shown {
            now: start,
            passed: Duration::ZERO,
        };
        Self(Source::Manual(Arc::new(watch::Sender::new(shown))))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Micros {
        match &self.0 {
            Source::System => SystemTime::now().into(),
            Source::Manual(shown) => shown.borrow().now,
        }
    }

    /// The time that has passed, from a moment that means nothing: it goes on evenly when somebody sets the clock.
    #[must_use]
    pub fn passed(&self) -> Duration {
        match &self.0 {
            Source::System => BEGAN.elapsed(),
            Source::Manual(shown) => shown.borrow().passed,
        }
    }

    /// Sets a manual clock and wakes whoever sleeps until then; a later moment has passed, an earlier one was set. A
    /// system clock is left as it is.
    pub fn set(&self, at: Micros) {
        if let Source::Manual(shown) = &self.0 {
            shown.send_modify(|shown| {
                shown.passed += at - shown.now;
                shown.now = at;
            });
        }
    }

    /// Moves a manual clock forward; a system clock is left as it is.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(shown) = &self.0 {
            shown.send_modify(|shown| {
                shown.passed += span;
                shown.now += span;
            });
        }
    }

    /// Has a manual clock show another moment while no time passes, as when somebody corrects the clock of a machine; a
    /// system clock is left as it is.
    pub fn correct(&self, at: Micros) {
        if let Source::Manual(shown) = &self.0 {
            shown.send_modify(|shown| shown.now = at);
        }
    }

    /// Returns once the clock shows `at` or later.
    pub async fn sleep_until(&self, at: Micros) {
        match &self.0 {
            Source::System => {
                while let left @ 1.. = at.since(Micros::from(SystemTime::now())).as_micros() {
                    tokio::time::sleep(STEP.min(Duration::from_micros(
                        u64::try_from(left).unwrap_or(u64::MAX),
                    )))
                    .await;
                }
            }
            Source::Manual(shown) => {
                // The sender lives in `self`, so waiting cannot fail.
                let _ = shown.subscribe().wait_for(|shown| shown.now >= at).await;
            }
        }
    }

    /// Returns once so much time has [`passed`](Self::passed), whatever the clock shows.
    pub async fn sleep_until_passed(&self, passed: Duration) {
        match &self.0 {
            Source::System => tokio::time::sleep(passed.saturating_sub(BEGAN.elapsed())).await,
            Source::Manual(shown) => {
                let _ = shown
                    .subscribe()
                    .wait_for(|shown| shown.passed >= passed)
                    .await;
            }
        }
    }

    /// Returns once `span` has passed on this clock.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_cut_to_microseconds_both_sides_of_1970() {
        for (seconds, nanos, micros) in [
            (1, 1_999, 1_000_001),
            (-1, 999_999_999, -1),
            (0, 0, 0),
            (-1, 0, -1_000_000),
        ] {
            let stamp = prost_types::Timestamp { seconds, nanos };
            assert_eq!(Micros::from(&stamp), Micros(micros));
            assert_eq!(
                Micros::from(prost_types::Timestamp::from(Micros(micros))),
                Micros(micros)
            );
        }
    }

    #[test]
    fn differences_never_go_below_zero() {
        assert_eq!(Micros(5) - Micros(9), Duration::ZERO);
        assert_eq!(Micros(9) - Micros(5), Duration::from_micros(4));
        assert_eq!(Micros(i64::MAX) + Duration::from_secs(1), Micros::MAX);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_manual_clock_is_moved() {
        let clock = Clock::manual(Micros(0));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Micros(10)).await }
        });
        clock.advance(Duration::from_micros(9));
        assert!(!sleeper.is_finished());
        clock.set(Micros(10));
        assert!(sleeper.await.is_ok());
    }
    #[tokio::test]
    async fn time_passes_evenly_when_a_clock_is_corrected() {
        let clock = Clock::manual(Micros(100));
        clock.advance(Duration::from_micros(5));
        clock.correct(Micros(7));
        clock.correct(Micros(900));
        assert_eq!((clock.now(), clock.passed().as_micros()), (Micros(900), 5));
        clock.set(Micros(3));
        assert_eq!((clock.now(), clock.passed().as_micros()), (Micros(3), 5));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until_passed(Duration::from_micros(6)).await }
        });
        clock.set(Micros(4));
        assert!(sleeper.await.is_ok());
        let system = Clock::system();
        let before = system.passed();
        system
            .sleep_until_passed(before + Duration::from_micros(1))
            .await;
        assert!(system.passed() > before);
    }
}
