//! When a replica is left alone, and when it comes back: a function of what is observed, and of nothing else.

use std::time::{Duration, Instant};

use super::config::PoolConfig;

/// How a call, or what it waited for, went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was answered, with whatever status says that the service works.
    Answered,
    /// UNAVAILABLE, a broken connection, or a stall.
    Failed,
}

/// What was observed of a replica.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record {
    /// Failures in a row.
    streak: u32,
    /// Times it was left alone without a good while in between.
    ejections: u32,
    /// Until when it is left alone, at least.
    out_until: Option<Instant>,
    /// When it came back.
    returned: Option<Instant>,
}

impl Record {
    /// Notes an outcome. Some: the replica is left alone until then. `dice` is a random number from 0 to 1, so that
    /// replicas that went together do not come back together.
    pub(super) fn observe(
        &mut self,
        now: Instant,
        outcome: Outcome,
        may_eject: bool,
        dice: f64,
        config: &PoolConfig,
    ) -> Option<Instant> {
        if self.out_until.is_some() {
            // What it still answers was asked before.
            return None;
        }
        match outcome {
            Outcome::Answered => self.streak = 0,
            Outcome::Failed => self.streak = self.streak.saturating_add(1),
        }
        if self.streak < config.eject_failures.max(1) || !may_eject {
            return None;
        }
        let longest = Duration::from_millis(config.eject_longest_ms);
        let good_while = self
            .returned
            .is_none_or(|returned| now.saturating_duration_since(returned) > longest);
        if good_while {
            self.ejections = 0;
        }
        Some(self.eject(now, dice, config))
    }

    /// Notes what a probe found after the time was over. Some: it is left alone for longer.
    pub(super) fn probed(
        &mut self,
        now: Instant,
        well: bool,
        dice: f64,
        config: &PoolConfig,
    ) -> Option<Instant> {
        if !well {
            return Some(self.eject(now, dice, config));
        }
        self.streak = 0;
        self.out_until = None;
        self.returned = Some(now);
        None
    }

    fn eject(&mut self, now: Instant, dice: f64, config: &PoolConfig) -> Instant {
        let factor = 2_u64.saturating_pow(self.ejections);
        self.ejections = self.ejections.saturating_add(1);
        let millis = config
            .eject_ms
            .saturating_mul(factor)
            .min(config.eject_longest_ms);
        let until = now + Duration::from_millis(millis).mul_f64(1.0 + dice / 4.0);
        self.streak = 0;
        self.out_until = Some(until);
        until
    }
}

/// Whether one more of `all` replicas may be left alone when `out` are already.
pub(super) fn may_eject(all: usize, out: usize, config: &PoolConfig) -> bool {
    if all <= 1 {
        return false;
    }
    let share = all * config.eject_most_percent as usize / 100;
    out < share.max(1).min(all - 1)
}

/// Whether an answer that took so long is a stall: the other replicas need a tenth of it, or less.
pub(super) fn is_stall(took: Duration, quickest_peer: Option<Duration>, floor: Duration) -> bool {
    took >= floor && quickest_peer.is_some_and(|peer| took >= peer * STALL_FACTOR)
}

/// Slower than its peers by so much is not load any more.
const STALL_FACTOR: u32 = 10;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn observe(record: &mut Record, now: Instant, outcomes: &[Outcome]) -> Option<Instant> {
        let config = PoolConfig::default();
        let mut out = None;
        for outcome in outcomes {
            out = out.or(record.observe(now, *outcome, true, 0.0, &config));
        }
        out
    }

    const FAILED: [Outcome; 5] = [Outcome::Failed; 5];

    #[test]
    fn five_failures_in_a_row_and_not_four_leave_a_replica_alone() {
        let now = Instant::now();
        let mut record = Record::default();
        assert_eq!(observe(&mut record, now, &FAILED[..4]), None);
        assert_eq!(observe(&mut record, now, &[Outcome::Answered]), None);
        assert_eq!(observe(&mut record, now, &FAILED[..4]), None);
        let until = observe(&mut record, now, &FAILED[..1]).unwrap();
        assert_eq!(until, now + Duration::from_secs(2));
        // What was asked before is answered now, and changes nothing.
        assert_eq!(observe(&mut record, now, &FAILED), None);
    }

    #[test]
    fn the_time_doubles_up_to_the_longest_and_begins_anew_after_a_good_while() {
        let config = PoolConfig::default();
        let mut now = Instant::now();
        let mut record = Record::default();
        let mut seconds = Vec::new();
        for _ in 0..7 {
            let until = observe(&mut record, now, &FAILED).unwrap();
            seconds.push((until - now).as_secs());
            now = until;
            assert_eq!(record.probed(now, true, 0.0, &config), None);
        }
        assert_eq!(seconds, [2, 4, 8, 16, 32, 60, 60]);
        now += Duration::from_secs(61);
        let until = observe(&mut record, now, &FAILED).unwrap();
        assert_eq!((until - now).as_secs(), 2);
        // A probe that finds it ill is one more time.
        let later = record.probed(until, false, 0.0, &config).unwrap();
        assert_eq!((later - until).as_secs(), 4);
    }

    #[test]
    fn dice_spread_the_return_by_a_quarter() {
        let (now, config) = (Instant::now(), PoolConfig::default());
        let mut record = Record::default();
        let config = PoolConfig {
            eject_failures: 1,
            ..config
        };
        let until = record.observe(now, Outcome::Failed, true, 1.0, &config);
        assert_eq!(until, Some(now + Duration::from_millis(2_500)));
    }

    #[test]
    fn a_third_may_be_out_and_the_last_one_never() {
        let config = PoolConfig::default();
        let most = |all: usize| {
            (0..=all)
                .find(|out| !may_eject(all, *out, &config))
                .unwrap()
        };
        let seen = [0, 1, 2, 3, 4, 6, 9, 100].map(most);
        assert_eq!(seen, [0, 0, 1, 1, 1, 2, 3, 34]);
        let all = PoolConfig {
            eject_most_percent: 100,
            ..config
        };
        assert!(!may_eject(3, 2, &all));
    }

    #[test]
    fn a_stall_is_long_and_much_longer_than_what_others_need() {
        let ms = Duration::from_millis;
        assert!(is_stall(ms(2_000), Some(ms(3)), ms(500)));
        assert!(!is_stall(ms(499), Some(ms(3)), ms(500)));
        assert!(!is_stall(ms(2_000), Some(ms(400)), ms(500)));
        assert!(!is_stall(ms(2_000), None, ms(500)));
    }
}
