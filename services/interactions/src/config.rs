//! The section `interactions` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::outbound::Pace;
use crate::domain::{self, Treatment};

mod media;

pub use media::{MediaConfig, Place, S3Config};

/// Limits of this service. Every one has a reason; the defaults serve a contact centre of some hundred agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Contacts that may wait to be logged; beyond it callers are told to try later. Bounds memory.
    pub queue_capacity: u32,
    /// Contacts logged in one transaction at most. More would hold SQLite's only writer too long.
    pub batch_size: u32,
    /// Items of one stream that may wait for their acknowledgement; beyond it nothing more is read from it.
    pub stream_in_flight: usize,
    /// How long an answer may wait for a reader that stopped reading, in milliseconds, before its stream is ended.
    pub slow_reader_ms: u64,
    /// How often a watched stream shows a sign of life, in milliseconds: below the idle limit of proxies.
    pub heartbeat_ms: u64,
    /// Calls to profiles at the same time.
    pub resolve_concurrency: usize,
    /// How old a recorded contact may become before it is told as pending, in milliseconds. The promise is 2 s.
    pub link_within_ms: u64,
    /// First pause before a pending contact is tried again, in milliseconds; doubled up to the longest.
    pub pending_first_ms: u64,
    /// Longest pause before a pending contact is tried again, in milliseconds.
    pub pending_longest_ms: u64,
    /// How often due pending contacts are looked for, in milliseconds.
    pub sweep_every_ms: u64,
    /// A page of interactions ends early beyond so many bytes of content: answers must stay below 4 MiB.
    pub page_bytes: usize,
    /// For how many days a contact that was erased or forgotten is known when it is sent again; then it would be logged
    /// as a new one.
    pub duplicates_known_days: u32,
    /// How often contacts are looked for whose time is over by the tenant's rules, in milliseconds.
    pub retention_sweep_ms: u64,
    /// How long a contact is left in peace after it was received, however old it is, in seconds.
    pub retention_grace_s: u64,
    /// What becomes of numbers of cards, accounts and persons, and of secrets, of tenants that never said: no text holds
    /// them; `mask` forgets them, `seal` keeps them encrypted beside the text.
    pub numbers: Numbers,
    /// Whether the last four digits of a card stay in the text, of tenants that never said.
    pub keep_last_four: bool,
    /// Files of contacts.
    pub media: MediaConfig,
    /// How messages of ours are sent.
    pub outbound: Outbound,
}

/// How messages of ours are handed to connectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// How long a connector may take until it says something about a delivery, in milliseconds.
    pub lease_ms: u64,
    /// Failures for the time being after which a message is given up.
    pub tries: i32,
    /// First pause before a message is tried again, in milliseconds; doubled up to the longest.
    pub retry_first_ms: u64,
    /// Longest pause before a message is tried again, in milliseconds.
    pub retry_longest_ms: u64,
    /// When a message is given up whose sender does not say, in hours after it may be sent first.
    pub expire_hours: u64,
    /// How long what a failed message says is kept to be tried again, in hours.
    pub keep_failed_hours: u64,
    /// How often a stream looks for messages that another process queued, in milliseconds.
    pub look_every_ms: u64,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            lease_ms: 30_000,
            tries: 8,
            retry_first_ms: 2_000,
            retry_longest_ms: 600_000,
            expire_hours: 24,
            keep_failed_hours: 168,
            look_every_ms: 500,
        }
    }
}

impl Outbound {
    pub(crate) fn pace(&self) -> Pace {
        Pace {
            lease: Duration::from_millis(self.lease_ms),
            tries: self.tries,
            first: Duration::from_millis(self.retry_first_ms),
            longest: Duration::from_millis(self.retry_longest_ms),
        }
    }

    pub(crate) fn look_every(&self) -> Duration {
        Duration::from_millis(self.look_every_ms)
    }

    /// How long a message is worth sending, unless its sender says so.
    pub(crate) fn worth(&self) -> Duration {
        Duration::from_secs(self.expire_hours.saturating_mul(3600))
    }
}

/// What becomes of numbers that must not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// They are gone.
    Mask,
    /// They are kept encrypted beside the text.
    Seal,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            queue_capacity: 8192,
            batch_size: 256,
            stream_in_flight: 512,
            slow_reader_ms: 30_000,
            heartbeat_ms: 15_000,
            resolve_concurrency: 16,
            link_within_ms: 1_500,
            pending_first_ms: 1_000,
            pending_longest_ms: 30_000,
            sweep_every_ms: 500,
            page_bytes: 2 * 1024 * 1024,
            duplicates_known_days: 400,
            retention_sweep_ms: 3_600_000,
            retention_grace_s: 86_400,
            numbers: Numbers::Mask,
            keep_last_four: false,
            media: MediaConfig::default(),
            outbound: Outbound::default(),
        }
    }
}

impl Config {
    pub(crate) fn slow_reader(&self) -> Duration {
        Duration::from_millis(self.slow_reader_ms)
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    pub(crate) fn duplicates_known(&self) -> Duration {
        Duration::from_secs(24 * 3600).saturating_mul(self.duplicates_known_days)
    }

    pub(crate) fn retention_sweep(&self) -> Duration {
        Duration::from_millis(self.retention_sweep_ms)
    }

    pub(crate) fn retention_grace(&self) -> Duration {
        Duration::from_secs(self.retention_grace_s)
    }

    pub(crate) fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_every_ms)
    }

    /// What becomes of numbers of tenants that never said.
    pub(crate) fn numbers(&self) -> domain::Numbers {
        let treatment = match self.numbers {
            Numbers::Mask => Treatment::Mask,
            Numbers::Seal => Treatment::Seal,
        };
        domain::Numbers::all(treatment, self.keep_last_four)
    }

    pub(crate) fn link_within(&self) -> Duration {
        Duration::from_millis(self.link_within_ms)
    }
}
