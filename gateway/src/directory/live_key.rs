//! A key that may be used, and its last use.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rapport_foundation::time::Micros;

use crate::domain::api_key::ApiKey;
use crate::store::Use;

/// A use this soon after another is not noted: the moment is for people.
const GRAIN: Duration = Duration::from_secs(60);

/// A key in memory.
#[derive(Debug)]
pub(crate) struct LiveKey {
    pub(crate) key: ApiKey,
    used: AtomicI64,
    written: AtomicI64,
}

impl LiveKey {
    pub(super) fn new(key: ApiKey) -> Self {
        let at = key.last_used.unwrap_or(Micros::EPOCH).0;
        LiveKey {
            key,
            used: AtomicI64::new(at),
            written: AtomicI64::new(at),
        }
    }

    /// Takes over what was not written of the key before its change.
    pub(super) fn following(self, before: &LiveKey) -> Self {
        let used = before.used.load(Ordering::Relaxed);
        self.used.fetch_max(used, Ordering::Relaxed);
        self
    }

    /// Notes a use: mostly one look at a number.
    pub(crate) fn touch(&self, now: Micros) {
        let last = Micros(self.used.load(Ordering::Relaxed));
        if now.since(last) >= GRAIN {
            self.used.store(now.0, Ordering::Relaxed);
        }
    }

    /// The last use, when it is not written yet.
    pub(super) fn unwritten(&self) -> Option<(&Self, Use)> {
        let used = self.used.load(Ordering::Relaxed);
        let used_at = Use {
            tenant: self.key.tenant,
            id: self.key.id,
            at: Micros(used),
        };
        (used > self.written.load(Ordering::Relaxed)).then_some((self, used_at))
    }

    pub(super) fn wrote(&self, at: Micros) {
        self.written.fetch_max(at.0, Ordering::Relaxed);
    }
}
