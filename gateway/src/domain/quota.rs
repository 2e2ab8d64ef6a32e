//! What the principals of a tenant may use together.

use serde::{Deserialize, Serialize};

/// The most that can be given of anything: beyond it a number is a slip.
pub const MOST: u32 = 1_000_000;

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Calls in a second; at least one.
    pub calls_per_second: u32,
    /// How many may come at once after a quiet time; at least one.
    pub burst: u32,
}

/// A tenant's share. None: the default of the installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// Look-ups.
    pub read: Option<Rate>,
    /// Changes.
    pub write: Option<Rate>,
    /// Calls with many items.
    pub bulk: Option<Rate>,
    /// Streams, counted when they begin.
    pub stream: Option<Rate>,
    /// Calls with one answer at the same time.
    pub concurrent_calls: Option<u32>,
    /// Streams at the same time.
    pub concurrent_streams: Option<u32>,
}

impl Rate {
    /// A rate as it is written: zero calls stand for no rate of one's own, a burst of zero for the calls of one second.
    pub fn of(calls_per_second: u32, burst: u32) -> Option<Rate> {
        (calls_per_second > 0).then_some(Rate {
            calls_per_second,
            burst: if burst == 0 { calls_per_second } else { burst },
        })
    }
}
