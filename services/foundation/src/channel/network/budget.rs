//! How often calls may be sent again: retries must not double an overload.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::config::PoolConfig;

/// What was earned is forgotten over so many seconds: a busy second may be spent a moment later, an idle night
/// earns nothing for the morning.
const MEMORY_SECONDS: f64 = 5.0;

/// The retries of one pool. A call only counts itself; the reckoning is done when something is sent again.
pub(super) struct Budget {
    calls: AtomicU64,
    account: Mutex<Account>,
}

impl Budget {
    pub(super) fn new(config: &PoolConfig, now: Instant) -> Self {
        Budget {
            calls: AtomicU64::new(0),
            account: Mutex::new(Account::new(config, now)),
        }
    }

    pub(super) fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether one call may be sent again.
    pub(super) fn take(&self, now: Instant) -> bool {
        let calls = self.calls.load(Ordering::Relaxed);
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.take(now, calls)
    }
}

/// What is left.
struct Account {
    per_call: f64,
    per_second: f64,
    calls: u64,
    at: Instant,
    left: f64,
}

impl Account {
    fn new(config: &PoolConfig, now: Instant) -> Self {
        let per_second = f64::from(config.retries_per_second);
        Account {
            per_call: f64::from(config.retry_percent) / 100.0,
            per_second,
            calls: 0,
            at: now,
            left: per_second,
        }
    }

    /// Takes one retry, given how many calls there were in all.
    fn take(&mut self, now: Instant, calls: u64) -> bool {
        // Fewer than 2^52 of them in a reckoning, so nothing is lost.
        #[expect(clippy::cast_precision_loss, reason = "small differences")]
        let fresh = calls.saturating_sub(self.calls) as f64;
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        (self.calls, self.at) = (calls, now);
        let earned = fresh.mul_add(self.per_call, seconds * self.per_second);
        let faded = (-seconds / MEMORY_SECONDS).exp();
        // The earnings of these seconds have faded too, the early ones more than the late.
        let kept = match seconds > 0.0 {
            true => earned * MEMORY_SECONDS / seconds * (1.0 - faded),
            false => earned,
        };
        self.left = self.left.mul_add(faded, kept);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(account: &mut Account, now: Instant, calls: u64, wanted: usize) -> usize {
        (0..wanted).take_while(|_| account.take(now, calls)).count()
    }

    #[test]
    fn a_fifth_of_the_calls_and_ten_a_second_may_be_sent_again() {
        let start = Instant::now();
        let mut account = Account::new(&PoolConfig::default(), start);
        assert_eq!(taken(&mut account, start, 0, 1_000), 10);
        let later = start + Duration::from_secs(1);
        // 210, of which a second has taken a tenth.
        assert_eq!(taken(&mut account, later, 1_000, 1_000), 190);
        assert_eq!(taken(&mut account, later, 1_000, 1_000), 0);
    }

    #[test]
    fn every_call_failing_for_a_minute_adds_a_fifth_and_not_more() {
        let start = Instant::now();
        let mut account = Account::new(&PoolConfig::default(), start);
        let mut retries = 0;
        for call in 1..=60_000_u64 {
            let now = start + Duration::from_millis(call);
            retries += usize::from(account.take(now, call));
        }
        assert!((11_900..=12_000 + 610).contains(&retries), "{retries}");
    }

    #[test]
    fn an_idle_night_saves_nothing_for_the_morning() {
        let start = Instant::now();
        let mut account = Account::new(&PoolConfig::default(), start);
        let morning = start + Duration::from_secs(8 * 3600);
        assert_eq!(taken(&mut account, morning, 0, 1_000), 50);
        // Nor does what is earned and never spent grow without end.
        let mut account = Account::new(&PoolConfig::default(), start);
        for second in 1..=3_600 {
            let now = start + Duration::from_secs(second);
            assert!(account.take(now, second * 1_000));
        }
        assert!(account.left <= 210.0 * MEMORY_SECONDS, "{}", account.left);
    }
}
