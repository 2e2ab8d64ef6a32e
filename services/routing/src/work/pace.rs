//! The time that a tenant's owner decides by: the clock's, and never back.
//!
//! A clock that is set back by hours would keep every offer, wrap-up and promise from ending until it is as late again.
//! The owner's time goes on instead, at half the pace, until the clock has caught up: what is due comes, late by as much
//! again at most, and what is written down is soon as late as it says. A clock that is set forward is believed at once: it
//! cannot be told from a machine that slept, and what was due meanwhile is due.

use std::time::Duration;

use rapport_foundation::time::{Clock, Micros};

/// The owner's time passes so many times as slowly as time does while the clock is behind it.
const BEHIND: u32 = 2;

/// The time of one owner.
#[derive(Debug)]
pub(super) struct Pace {
    clock: Clock,
    /// What it was when it was asked last.
    latest: Micros,
    /// How much had passed by then.
    passed: Duration,
}

impl Pace {
    /// As late as the clock shows.
    pub(super) fn of(clock: Clock) -> Self {
        Self {
            latest: clock.now(),
            passed: clock.passed(),
            clock,
        }
    }

    /// Not before what was decided then, whoever did, by whatever clock.
    pub(super) fn go_on_from(&mut self, decided: Micros) {
        self.latest = self.latest.max(decided);
    }

    /// The present moment.
    pub(super) fn now(&mut self) -> Micros {
        let passed = self.clock.passed();
        let least = self.latest + passed.saturating_sub(self.passed) / BEHIND;
        self.latest = least.max(self.clock.now());
        self.passed = passed;
        self.latest
    }

    /// Returns once it is as late.
    pub(super) fn reaches(&self, at: Micros) -> impl Future<Output = ()> + Send + use<> {
        let left = (at - self.latest).saturating_mul(BEHIND);
        let (clock, passed) = (self.clock.clone(), self.passed.saturating_add(left));
        async move {
            tokio::select! {
                () = clock.sleep_until(at) => {}
                () = clock.sleep_until_passed(passed) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const SECOND: Duration = Duration::from_secs(1);
    const NOON: Micros = Micros(43_200_000_000);

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let clock = Clock::manual(NOON);
        let mut pace = Pace::of(clock.clone());
        clock.advance(SECOND);
        assert_eq!(pace.now(), NOON + SECOND);
        clock.correct(NOON - HOUR);
        assert_eq!(pace.now(), NOON + SECOND, "never back");
        clock.advance(10 * SECOND);
        assert_eq!(pace.now(), NOON + 6 * SECOND, "at half the pace");
        clock.advance(2 * HOUR);
        assert_eq!(pace.now(), clock.now(), "until it has caught up");
        clock.correct(NOON + 9 * HOUR);
        assert_eq!(pace.now(), NOON + 9 * HOUR);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_clock_or_by_time() {
        let clock = Clock::manual(NOON);
        let mut pace = Pace::of(clock.clone());
        clock.correct(NOON - HOUR);
        let wakes = tokio::spawn(pace.reaches(NOON + SECOND));
        clock.advance(2 * SECOND);
        wakes.await.expect("woken by time");
        assert_eq!(pace.now(), NOON + SECOND);
        let wakes = tokio::spawn(pace.reaches(NOON + HOUR));
        clock.correct(NOON + HOUR);
        wakes.await.expect("woken by the clock");
        assert_eq!(pace.now(), NOON + HOUR);
    }

    #[test]
    fn who_takes_over_goes_on_from_what_was_decided() {
        let mut pace = Pace::of(Clock::manual(NOON));
        pace.go_on_from(NOON + HOUR);
        assert_eq!(pace.now(), NOON + HOUR);
        pace.go_on_from(NOON);
        assert_eq!(pace.now(), NOON + HOUR);
    }
}
