//! What one holder uses of its quota.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use rapport_foundation::role::Role;
use rapport_proto::options::v1::RateClass;

use crate::domain::quota::{Quota, Rate};
use crate::error::Rejection;
use crate::protection::{Protection, Protections};

/// How long to wait for a place among calls that run: they are over soon.
const PLACE: Duration = Duration::from_millis(100);

/// GCRA; its state is one atomic number.
type Bucket =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// What a holder uses of its quota at this moment.
pub(super) struct Share {
    quota: Quota,
    protections: Protections,
    read: Option<Bucket>,
    write: Option<Bucket>,
    bulk: Option<Bucket>,
    stream: Option<Bucket>,
    calls: AtomicU32,
    streams: AtomicU32,
    /// Measured calls that run, by the part of the suite they went to.
    running: [AtomicUsize; Role::ALL.len()],
}

impl Share {
    pub(super) fn new(quota: Quota, protections: Protections) -> Self {
        Share {
            read: quota.read.and_then(bucket),
            write: quota.write.and_then(bucket),
            bulk: quota.bulk.and_then(bucket),
            stream: quota.stream.and_then(bucket),
            quota,
            protections,
            calls: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            running: std::array::from_fn(|_| AtomicUsize::new(0)),
        }
    }

    pub(super) fn is_under(&self, quota: &Quota) -> bool {
        self.quota == *quota
    }

    pub(super) fn running(&self, part: Role) -> &AtomicUsize {
        // Every role has its index.
        &self.running[part.index()]
    }

    /// Takes one call of this class out of the rate.
    pub(super) fn draw(&self, class: RateClass, whose: &'static str) -> Result<(), Rejection> {
        let (bucket, rate, class) = match class {
            RateClass::Read => (&self.read, self.quota.read, "read"),
            RateClass::Write => (&self.write, self.quota.write, "write"),
            RateClass::Bulk => (&self.bulk, self.quota.bulk, "bulk"),
            RateClass::Stream => (&self.stream, self.quota.stream, "stream"),
            RateClass::Unspecified => return Ok(()),
        };
        let (Some(bucket), Some(rate), true) =
            (bucket, rate, self.protections.on(Protection::Rate))
        else {
            return Ok(());
        };
        bucket.check().map_err(|early| Rejection::RateExceeded {
            whose,
            class,
            per_second: rate.calls_per_second,
            retry_after: early.wait_time_from(MonotonicClock.now()),
        })
    }

    /// Takes a place among the calls or streams that run.
    pub(super) fn occupy(
        this: &Arc<Self>,
        streams: bool,
        whose: &'static str,
    ) -> Result<Occupied, Rejection> {
        let (running, most) = match streams {
            true => (&this.streams, this.quota.concurrent_streams),
            false => (&this.calls, this.quota.concurrent_calls),
        };
        let before = running.fetch_add(1, Ordering::Relaxed);
        let place = Occupied {
            share: Arc::clone(this),
            streams,
        };
        match most {
            Some(most) if before >= most && this.protections.on(Protection::Concurrency) => {
                Err(Rejection::TooManyAtOnce {
                    whose,
                    what: if streams { "streams" } else { "calls" },
                    most,
                    retry_after: PLACE,
                })
            }
            _ => Ok(place),
        }
    }
}

fn bucket(rate: Rate) -> Option<Bucket> {
    let quota = governor::Quota::per_second(NonZeroU32::new(rate.calls_per_second)?)
        .allow_burst(NonZeroU32::new(rate.burst.max(1))?);
    Some(RateLimiter::direct_with_clock(quota, MonotonicClock))
}

/// A place among the calls or streams of a share; free again when this is dropped.
pub(super) struct Occupied {
    share: Arc<Share>,
    streams: bool,
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let running = match self.streams {
            true => &self.share.streams,
            false => &self.share.calls,
        };
        running.fetch_sub(1, Ordering::Relaxed);
    }
}
