//! Sums over stretches of time that begin on the minute, or on the quarter of an hour.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use rapport_foundation::time::Micros;

const MINUTE: i64 = 60_000_000;
/// The finest that time zones differ by: every midnight is the beginning of one.
const QUARTER: i64 = 15 * MINUTE;
/// A day has 25 hours when the clocks go back.
pub(super) const KEPT: Duration = Duration::from_secs(26 * 3_600);
/// The longest window that need not begin on a quarter of an hour, and a minute to spare.
const KEPT_MINUTES: Duration = Duration::from_secs(62 * 60);

/// What came in each minute of the last hour and in each quarter of the last day; where nothing came, nothing is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets<T> {
    minutes: BTreeMap<i64, T>,
    quarters: BTreeMap<i64, T>,
}

impl<T: Copy + Default + AddAssign> Buckets<T> {
    /// Adds to the stretches that `at` is in. What is too old to be asked for is not kept.
    pub(super) fn add(&mut self, now: Micros, at: Micros, add: impl Fn(&mut T)) {
        if at >= now - KEPT {
            add(self.quarters.entry(floor(at, QUARTER)).or_default());
        }
        if at >= now - KEPT_MINUTES {
            add(self.minutes.entry(floor(at, MINUTE)).or_default());
        }
    }

    /// Changes what was added at a moment, where it is kept.
    pub(super) fn correct(&mut self, at: Micros, correct: impl Fn(&mut T)) {
        let quarter = self.quarters.get_mut(&floor(at, QUARTER));
        let minute = self.minutes.get_mut(&floor(at, MINUTE));
        for bucket in quarter.into_iter().chain(minute) {
            correct(bucket);
        }
    }

    /// Everything since the beginning of a window, see [`super::Window::begins`].
    pub(super) fn since(&self, from: Micros) -> T {
        let buckets = if from.0.rem_euclid(QUARTER) == 0 {
            &self.quarters
        } else {
            &self.minutes
        };
        let mut sum = T::default();
        for bucket in buckets.range(from.0..).map(|(_, bucket)| *bucket) {
            sum += bucket;
        }
        sum
    }

    /// Forgets what is too old to be asked for.
    pub(super) fn forget(&mut self, now: Micros) {
        let oldest = floor(now - KEPT, QUARTER);
        self.quarters = self.quarters.split_off(&oldest);
        let oldest = floor(now - KEPT_MINUTES, MINUTE);
        self.minutes = self.minutes.split_off(&oldest);
    }
}

/// The minutes, or the quarters of an hour, that a stretch of time is in, each with its part of it.
pub(super) fn pieces(from: Micros, to: Micros) -> impl Iterator<Item = (Micros, Duration)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let end = Micros(floor(at, MINUTE) + MINUTE).min(to);
        let piece = (at < to).then(|| (at, end - at));
        at = end;
        piece
    })
}

/// The last whole minute at a moment.
pub(super) fn minute(at: Micros) -> Micros {
    Micros(floor(at, MINUTE))
}

/// The last whole quarter of an hour at a moment.
pub(super) fn quarter(at: Micros) -> Micros {
    Micros(floor(at, QUARTER))
}

const fn floor(at: Micros, unit: i64) -> i64 {
    at.0 - at.0.rem_euclid(unit)
}
