//! What is said about a message of ours on its way.

use std::time::Duration;

use uuid::Uuid;

/// Which attempts were accepted and left without an outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubt(i32);

impl Doubt {
    const MANY: i32 = -1;

    /// From what is stored.
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        Self(code)
    }

    /// What is stored: none (0), one attempt, or many (-1).
    #[must_use]
    pub const fn code(self) -> i32 {
        self.0
    }

    /// Whether there is any.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.0 != 0
    }

    pub(super) fn add(&mut self, attempt: i32) {
        self.0 = if self.is_any() { Self::MANY } else { attempt };
    }

    /// Takes an attempt out whose outcome is known; answers whether it was the only one.
    pub(super) fn settle(&mut self, attempt: i32) -> bool {
        let only = self.0 == attempt;
        if only {
            self.0 = 0;
        }
        only
    }
}

/// How long things may take, and how often they are tried.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long a connector may take until it says something.
    pub lease: Duration,
    /// Failures after which a message is given up.
    pub tries: i32,
    /// The first pause before it is tried again; doubled up to the longest.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Pace {
    /// The pause after so many failures: at least half of the full one, the rest by chance (in thousandths), so that
    /// what failed together is not tried together.
    pub(super) fn pause(&self, failures: i32, chance: u32) -> Duration {
        let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0);
        let full = self.first.saturating_mul(1 << doublings.min(20));
        let half = full.min(self.longest) / 2;
        half + half * chance.min(1000) / 1000
    }
}

/// Who takes a message, and when.
#[derive(Debug, Clone, Copy)]
pub struct Taker {
    /// The stream.
    pub stream: Uuid,
    /// Whether its provider drops a second message with the same key.
    pub drops_repetitions: bool,
}

/// What a connector says of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is about to send it, or still sending.
    Accepted,
    /// The provider has it, under this id.
    Sent {
        /// Empty where the provider gives none.
        message_id: String,
    },
    /// It was not sent.
    Failed(Failing),
    /// It was not sent and is given back.
    Released,
}

/// Why an attempt did not send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The connector's code.
    pub reason: String,
    /// Whether it would fail again.
    pub permanent: bool,
    /// The least pause before the next attempt, when the connector says so.
    pub retry_after: Option<Duration>,
}

/// What a connector is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may be given to the provider.
    Confirmed,
    /// It must not be given to the provider.
    Withdrawn,
    /// What was said is noted, whatever it changed.
    Noted,
    /// There was no such attempt.
    Unknown,
}

/// What others are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The provider has it.
    Sent,
    /// Nobody knows whether it was sent.
    Uncertain,
    /// It will not come.
    Failed,
}

/// Why a person's wish cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNow;
