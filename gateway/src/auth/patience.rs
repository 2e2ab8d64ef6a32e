//! How many credentials that are not believed one client may present. Checking one is work, and whoever does it for nothing
//! can be kept busy by anybody.
//!
//! A check draws from what its client has left before it begins, and what turned out to be good is given back: whoever
//! presents good credentials never runs out, however many they are. What is remembered is not checked and draws nothing, so
//! that those who work behind one address go on working while a neighbour presents bad ones; only a credential seen for the
//! first time has to wait with the bad ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::Rejected;
use crate::accept::Client;
use crate::config::Auth;
use crate::protection::{Protection, Protections};

/// Most clients remembered, about 100 bytes each. One that is forgotten begins anew.
const MOST_CLIENTS: u64 = 100_000;

/// GCRA (a leaky bucket as one number): the moment at which a client would have everything again.
type Full = Arc<AtomicU64>;

pub(super) struct Patience {
    clients: Cache<Client, Full>,
    /// What one draw takes, in microseconds.
    each_us: u64,
    /// What a client has at most, in microseconds.
    most_us: u64,
    /// Never the wall clock: set back, it would shut everybody out.
    since: Instant,
    protections: Protections,
}

/// What was drawn; lost unless it is given back.
#[must_use]
pub(super) struct Drawn(Option<(Full, u64)>);

impl Patience {
    pub(super) fn of(config: &Auth, protections: Protections) -> Self {
        let each_us = 1_000_000 / u64::from(config.refused_per_second).clamp(1, 1_000_000);
        let most_us = each_us.saturating_mul(config.refused_burst.into());
        Patience {
            clients: Cache::builder()
                .max_capacity(MOST_CLIENTS)
                .eviction_policy(EvictionPolicy::lru())
                // By then it has everything again.
                .time_to_idle(Duration::from_micros(most_us).max(Duration::from_secs(1)))
                .build(),
            each_us,
            most_us,
            since: Instant::now(),
            protections,
        }
    }

    /// Draws for one check. A call without a socket is nobody's.
    pub(super) fn draw(&self, client: Option<Client>) -> Result<Drawn, Rejected> {
        let now = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.draw_at(client, now)
    }

    fn draw_at(&self, client: Option<Client>, now_us: u64) -> Result<Drawn, Rejected> {
        let client = client.filter(|_| self.protections.on(Protection::Patience));
        let Some(client) = client else {
            return Ok(Drawn(None));
        };
        let full = self.clients.get_with(client, Full::default);
        let drawn = |full_us: u64| full_us.max(now_us) + self.each_us;
        let last = now_us + self.most_us;
        let kept = |full_us: u64| (drawn(full_us) <= last).then(|| drawn(full_us));
        match full.fetch_update(Ordering::Relaxed, Ordering::Relaxed, kept) {
            Ok(_) => Ok(Drawn(Some((full, self.each_us)))),
            Err(full_us) => Err(Rejected::TooMany(Duration::from_micros(
                drawn(full_us) - last,
            ))),
        }
    }
}

impl Drawn {
    /// The credential was good.
    pub(super) fn give_back(self) {
        if let Some((full, each_us)) = self.0 {
            // Drawn before: it is never below that.
            full.fetch_sub(each_us, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn patience() -> Patience {
        let config = Auth {
            refused_per_second: 10,
            refused_burst: 3,
            ..Auth::default()
        };
        Patience::of(&config, Protections::default())
    }

    fn client(text: &str) -> Option<Client> {
        Some(Client::of(text.parse().unwrap()))
    }

    #[test]
    fn bad_ones_run_out_and_come_back_with_time_each_client_for_itself() {
        let (patience, bad) = (patience(), client("192.0.2.1"));
        for _ in 0..3 {
            assert!(patience.draw_at(bad, 5_000_000).is_ok());
        }
        let wait = |at| patience.draw_at(bad, at).err();
        let too_many = |ms| Some(Rejected::TooMany(Duration::from_millis(ms)));
        assert_eq!(wait(5_000_000), too_many(100));
        assert_eq!(wait(5_060_000), too_many(40));
        assert!(patience.draw_at(client("192.0.2.2"), 5_060_000).is_ok());
        assert!(patience.draw_at(None, 5_060_000).is_ok());
        assert_eq!(wait(5_100_000), None);
        assert_eq!(wait(5_100_000), too_many(100));
        // No more than the burst is saved up.
        for _ in 0..3 {
            assert_eq!(wait(90_000_000), None);
        }
        assert_eq!(wait(90_000_000), too_many(100));
    }

    #[test]
    fn good_ones_never_run_out_and_a_network_of_version_6_is_one_client() {
        let patience = patience();
        let (one, same) = (client("2001:db8::1"), client("2001:db8::ffff:2"));
        for _ in 0..100 {
            patience.draw_at(one, 0).unwrap().give_back();
        }
        for _ in 0..3 {
            assert!(patience.draw_at(one, 0).is_ok());
        }
        assert!(patience.draw_at(same, 0).is_err());
        assert!(patience.draw_at(client("2001:db8:0:1::1"), 0).is_ok());
    }
}
