//! The section `interactions` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::detect::Masking;

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
    /// What becomes of numbers of cards, accounts and persons, and of secrets: `mask` takes them out of what is stored,
    /// `seal` keeps them in the text, which is encrypted as all of it.
    pub numbers: Numbers,
    /// Whether the last four digits of a card stay where numbers are masked.
    pub keep_last_four: bool,
    /// Files of contacts.
    pub media: MediaConfig,
}

/// What becomes of numbers that must not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// They are taken out before anything is stored.
    Mask,
    /// They stay in the sealed text.
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
            numbers: Numbers::Mask,
            keep_last_four: false,
            media: MediaConfig::default(),
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

    pub(crate) fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_every_ms)
    }

    /// How texts are masked before they are stored; not at all where numbers are kept sealed.
    pub(crate) fn masking(&self) -> Option<Masking> {
        (self.numbers == Numbers::Mask).then_some(Masking {
            keep_last_four: self.keep_last_four,
        })
    }

    pub(crate) fn link_within(&self) -> Duration {
        Duration::from_millis(self.link_within_ms)
    }
}
