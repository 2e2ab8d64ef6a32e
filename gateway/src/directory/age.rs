//! How old what is known is, and what follows from it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::metrics::Gauge;

use crate::config::{Config, WhenStale};

/// When what is known is too old, and what becomes of calls then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    after: Duration,
    then: WhenStale,
}

impl Limit {
    pub(crate) fn of(config: &Config) -> Self {
        Limit {
            after: Duration::from_millis(config.tenant_stale_ms),
            then: config.tenant_stale,
        }
    }
}

/// Read at every call: one look at a flag.
pub(super) struct Age {
    since: Instant,
    /// The last time that everything was read, in milliseconds of `since`.
    read_ms: AtomicU64,
    stale: AtomicBool,
    closed: AtomicBool,
    gauge: Gauge<f64>,
}

impl Default for Age {
    fn default() -> Self {
        let gauge = opentelemetry::global::meter("rapport")
            .f64_gauge("rapport.access.age")
            .with_unit("s")
            .with_description("How long ago tenants, keys, roles and revocations were read")
            .build();
        Age {
            since: Instant::now(),
            read_ms: AtomicU64::new(0),
            stale: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            gauge,
        }
    }
}

impl Age {
    /// Everything was read.
    pub(super) fn renew(&self) {
        self.read_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Whether calls are refused.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Looks how old it is. Answers whether calls are refused when that has changed.
    pub(super) fn judge(&self, limit: &Limit) -> Option<bool> {
        let read_ms = self.read_ms.load(Ordering::Relaxed);
        let age = Duration::from_millis(self.now_ms().saturating_sub(read_ms));
        self.gauge.record(age.as_secs_f64(), &[]);
        let stale = age >= limit.after;
        let was_stale = self.stale.swap(stale, Ordering::Relaxed);
        let age_s = age.as_secs();
        match (was_stale, stale) {
            (false, true) => {
                tracing::error!(age_s, then = ?limit.then, "what is known of tenants is stale")
            }
            (true, false) => tracing::info!("what is known of tenants is fresh again"),
            _ => (),
        }
        let closed = stale && limit.then == WhenStale::Refuse;
        let was_closed = self.closed.swap(closed, Ordering::Relaxed);
        (was_closed != closed).then_some(closed)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
