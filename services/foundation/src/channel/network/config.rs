//! Section `neighbours.pool` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How calls are spread over the replicas of a service, and when one of them is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Connections to each replica. One carries as many calls as the replica takes (`service.max_streams`) and
    /// sends them in the fewest packets; a second one helps when a single core cannot keep up with writing.
    pub connections: usize,
    /// How long making a connection may take, in milliseconds, TLS and the first answer included.
    pub connect_timeout_ms: u64,
    /// The longest pause before a replica that cannot be reached is tried again, in milliseconds. Calls that
    /// find nobody try sooner.
    pub reconnect_longest_ms: u64,
    /// How long a call waits while nobody can be reached and it is tried again, in milliseconds: it is told
    /// UNAVAILABLE at once rather than after a connection's timeout.
    pub circuit_wait_ms: u64,
    /// How often names are looked up again, in milliseconds: after so long new replicas are called.
    pub resolve_ms: u64,
    /// Failures in a row after which a replica gets no calls for a while. UNAVAILABLE, a broken connection and a
    /// stall are failures; any other answer ends the row.
    pub eject_failures: u32,
    /// From how many milliseconds on an answer can be a stall: when it also takes ten times as long as the other
    /// replicas need.
    pub stall_ms: u64,
    /// How long a replica is left alone the first time, in milliseconds; doubled each time it fails again.
    pub eject_ms: u64,
    /// The longest time a replica is left alone, in milliseconds.
    pub eject_longest_ms: u64,
    /// The most replicas left alone at once, in percent: if more of them fail, what they share has failed, and
    /// the rest would only drown. Of two replicas one may be; the last one never is.
    pub eject_most_percent: u32,
    /// How long a replica that came back gets fewer calls than the others, in milliseconds.
    pub slow_start_ms: u64,
    /// Times a call is sent at most. Only the gateway sends again what may have been processed, and only when the
    /// method is idempotent.
    pub attempts: u32,
    /// How much of a request is kept to be sent again, in bytes. A larger one is sent once.
    pub retry_body_bytes: usize,
    /// Calls that may be sent again, in percent of all calls: retries must not double an overload.
    pub retry_percent: u32,
    /// Calls that may be sent again each second beyond that, so that few calls can be retried too.
    pub retries_per_second: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        PoolConfig {
            connections: 1,
            connect_timeout_ms: 2_000,
            reconnect_longest_ms: 1_000,
            circuit_wait_ms: 25,
            resolve_ms: 5_000,
            eject_failures: 5,
            stall_ms: 500,
            eject_ms: 2_000,
            eject_longest_ms: 60_000,
            eject_most_percent: 34,
            slow_start_ms: 5_000,
            attempts: 3,
            retry_body_bytes: 64 * 1024,
            retry_percent: 20,
            retries_per_second: 10,
        }
    }
}

impl PoolConfig {
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }
}
