//! Programmes, members and the ledger, as types that cannot be wrong and decisions that are plain
//! functions.
//!
//! Nothing here waits, reads a clock or knows a database: times come in as arguments, and what is to
//! be written goes out as values.

mod account;
pub mod audit;
mod chain;
mod entry;
mod hold;
mod ledger;
mod lot;
mod member;
mod order;
mod program;
mod refusal;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod properties;

pub use account::{Account, Balance};
pub use chain::Hash;
pub use entry::{Allocation, Bucket, Cause, Entry, EntryKind, Postings};
pub use hold::{Hold, HoldAllocation, HoldState};
pub use ledger::{Changes, Ledger, Original, Posted};
pub use lot::Lot;
pub use member::{CustomerRef, Member, the_one_for};
pub use order::{Earning, OrderId};
pub use program::{EarnRule, PointKind, Program, Terms};
pub use refusal::Refusal;

/// The most points one movement may carry, in smallest units: a thousand million million. What is
/// larger is a slip, and two of them can always be added.
pub const MOST_POINTS: i64 = 1_000_000_000_000_000;

/// The most one account of a member may hold, in smallest units: no sum of two accounts overflows.
pub const MOST_BALANCE: i64 = 1_000_000_000_000_000_000;

/// The most holds of one member that may be open at the same time: each is loaded with every write.
pub const MOST_OPEN_HOLDS: usize = 1_000;

/// A positive number of points, in smallest units, at most [`MOST_POINTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points(i64);

impl Points {
    /// The smallest number that can be moved.
    pub const ONE: Self = Self(1);

    /// The number, if it is one that may be moved.
    #[must_use]
    pub const fn new(units: i64) -> Option<Self> {
        if units >= 1 && units <= MOST_POINTS {
            Some(Self(units))
        } else {
            None
        }
    }

    /// Smallest units.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }
}
