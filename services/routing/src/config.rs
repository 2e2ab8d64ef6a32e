use std::time::Duration;

use rapport_foundation::events::ConsumerConfig;
use serde::{Deserialize, Serialize};

use crate::domain::contact_command::Pace;
use crate::domain::engine::Settings;

/// Section `routing` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long accepted work is kept for an agent whose last stream broke, in milliseconds. Long
    /// enough for a laptop to change its network, short enough that a customer does not give up.
    pub grace_ms: u64,
    /// How long an agent who said no to a work item is passed over for it, in milliseconds. Then
    /// they are asked again: work that everybody once declined must not wait for ever.
    pub decline_pause_ms: u64,
    /// Commands folded into one transaction at most. More would make the first of them wait.
    pub batch: usize,
    /// Commands that may wait for one tenant's engine; beyond it callers are refused with
    /// RESOURCE_EXHAUSTED instead of being kept waiting past their deadline.
    pub backlog: usize,
    /// How long the same decision is tried again while the store fails, in milliseconds, before
    /// the engine is dropped and rebuilt from the tables.
    pub patience_ms: u64,
    /// How long a replica counts as alive after its last sign of life, in milliseconds: so much later at most, and a second
    /// for others to notice, what it decided is decided by another. It gives a sign three times as often. Longer than a
    /// pause of the process or of its database that nobody should move for.
    pub lease_ms: u64,
    /// Where other replicas of this service reach this one, such as `http://10.1.2.3:7000`; a call that another one
    /// decides is handed on to it. Empty: there is one replica, and one that begins takes over from one that runs.
    pub advertise: String,
    /// Messages that may wait for a desk that reads slowly; beyond it the stream is ended and
    /// the agent's desk opens a new one, which begins with a snapshot.
    pub desk_backlog: usize,
    /// Between two signs of life on an idle stream, in milliseconds.
    pub heartbeat_ms: u64,
    /// Between two messages of a stream of statistics at least, in milliseconds: people look at it, and numbers that
    /// change more often cannot be read.
    pub statistics_ms: u64,
    /// How long a connector may take until it says something of a command that it was handed, in milliseconds; then
    /// another stream of it may have it.
    pub command_lease_ms: u64,
    /// How long a command to a connector is worth being done, in milliseconds: a customer who is to be connected does not
    /// wait longer for that.
    pub command_worth_ms: u64,
    /// How the logs of the other services are read.
    pub consumer: ConsumerConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grace_ms: 60_000,
            decline_pause_ms: 30_000,
            batch: 256,
            backlog: 4_096,
            patience_ms: 10_000,
            lease_ms: 3_000,
            advertise: String::new(),
            desk_backlog: 256,
            heartbeat_ms: 15_000,
            statistics_ms: 1_000,
            command_lease_ms: 10_000,
            command_worth_ms: 30_000,
            consumer: ConsumerConfig::default(),
        }
    }
}

impl Config {
    pub(crate) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) const fn command_pace(&self) -> Pace {
        Pace {
            lease: Duration::from_millis(self.command_lease_ms),
            worth: Duration::from_millis(self.command_worth_ms),
        }
    }

    pub(crate) const fn settings(&self) -> Settings {
        Settings {
            grace: Duration::from_millis(self.grace_ms),
            decline_pause: Duration::from_millis(self.decline_pause_ms),
        }
    }
}
