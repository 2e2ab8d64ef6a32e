//! Sections `quotas` and `overload` of the gateway's configuration.

use serde::{Deserialize, Serialize};

use crate::domain::quota::{MOST, Quota, Rate};
use crate::error::OpenError;

/// What callers may use when nothing else is said of their tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// All principals of a tenant together, unless the tenant has a quota of its own.
    pub tenant: Quota,
    /// Each person who works for a tenant: more than anybody clicks, less than a script that copies customers.
    pub staff: Quota,
    /// Each end customer: their own few things.
    pub customer: Quota,
    /// Each connector or system: bursts and backlogs are their ordinary life.
    pub machine: Quota,
}

impl Quotas {
    /// Whether the quotas can be meant: a zero would be no limit to one reader and a shut door to another.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        for (whose, quota) in [
            ("tenant", &self.tenant),
            ("staff", &self.staff),
            ("customer", &self.customer),
            ("machine", &self.machine),
        ] {
            let rates = [quota.read, quota.write, quota.bulk, quota.stream];
            let rates = rates.into_iter().flatten();
            let numbers = rates.flat_map(|rate| [rate.calls_per_second, rate.burst]);
            let places = [quota.concurrent_calls, quota.concurrent_streams];
            let mut numbers = numbers.chain(places.into_iter().flatten());
            if numbers.any(|number| !(1..=MOST).contains(&number)) {
                let problem = "has a number that is not between 1 and 1,000,000";
                return Err(OpenError::setting(format!("quotas.{whose}"), problem));
            }
        }
        Ok(())
    }
}

const fn rate(calls_per_second: u32, burst: u32) -> Option<Rate> {
    Some(Rate {
        calls_per_second,
        burst,
    })
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas {
            tenant: Quota {
                read: rate(20_000, 40_000),
                write: rate(20_000, 40_000),
                bulk: rate(200, 400),
                stream: rate(1_000, 20_000),
                concurrent_calls: Some(8_000),
                concurrent_streams: Some(16_000),
            },
            staff: Quota {
                read: rate(200, 600),
                write: rate(100, 300),
                bulk: rate(5, 20),
                stream: rate(5, 50),
                concurrent_calls: Some(64),
                concurrent_streams: Some(32),
            },
            customer: Quota {
                read: rate(10, 40),
                write: rate(5, 20),
                bulk: rate(1, 5),
                stream: rate(2, 10),
                concurrent_calls: Some(8),
                concurrent_streams: Some(8),
            },
            machine: Quota {
                read: rate(20_000, 40_000),
                write: rate(20_000, 40_000),
                bulk: rate(100, 200),
                stream: rate(100, 1_000),
                concurrent_calls: Some(4_000),
                concurrent_streams: Some(1_000),
            },
        }
    }
}

/// When calls to a part of the suite are shed before they wait too long. Measured are calls with one answer that
/// somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverloadConfig {
    /// How long nine of ten calls may take at most, in milliseconds. Beyond it a part is trusted with fewer calls at a
    /// time. Well below the deadline of a caller who states none, well above what a batch takes.
    pub target_ms: u64,
    /// Calls at a time a part is trusted with until it was looked at: enough for a burst after a start.
    pub first: u32,
    /// The least it is trusted with.
    pub least: u32,
    /// The most it is ever trusted with.
    pub most: u32,
}

impl Default for OverloadConfig {
    fn default() -> Self {
        OverloadConfig {
            target_ms: 250,
            first: 1_000,
            least: 16,
            most: 20_000,
        }
    }
}
