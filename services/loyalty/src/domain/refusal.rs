use super::{EntryKind, HoldState};

/// Why the ledger says no. The state is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fewer points can be spent now than are asked for.
    #[error("{wanted} are wanted and {available} can be spent")]
    BalanceTooLow {
        /// What can be spent now, in smallest units.
        available: i64,
        /// What was asked for, in smallest units.
        wanted: i64,
    },
    /// The account would hold more than [`super::MOST_BALANCE`].
    #[error("the account would hold more than an account may")]
    BalanceTooHigh,
    /// The member has [`super::MOST_OPEN_HOLDS`] open holds.
    #[error("the member has too many open holds")]
    TooManyHolds,
    /// The hold was captured, voided or has lapsed.
    #[error("the hold is {}", .state.as_str())]
    HoldNotOpen {
        /// What it is.
        state: HoldState,
    },
    /// More is to be captured than was set aside.
    #[error("{wanted} are to be captured of {held}")]
    CaptureTooLarge {
        /// What was set aside.
        held: i64,
        /// What is to be captured.
        wanted: i64,
    },
    /// The caller saw another version.
    #[error("the version is {version}")]
    Stale {
        /// The version it has.
        version: i64,
    },
    /// Only an earn or a capture can be taken back.
    #[error("an entry of kind {} cannot be taken back", .kind.as_str())]
    NotReversible {
        /// What it is.
        kind: EntryKind,
    },
    /// Nothing of the entry is left to take back.
    #[error("the entry was taken back already")]
    AlreadyReversed,
    /// Less of the entry is left than is to be taken back.
    #[error("{wanted} are to be taken back and {left} are left of the entry")]
    ReversalTooLarge {
        /// What is left of it.
        left: i64,
        /// What is to be taken back.
        wanted: i64,
    },
    /// The order is in another currency or with another exponent than the programme's rule.
    #[error("the programme earns in another currency")]
    CurrencyMismatch,
    /// The points are of another code or exponent than the programme's.
    #[error("the programme's points are others")]
    PointsMismatch,
    /// By the rule the order earns more than one movement may carry.
    #[error("the order earns more than can be given at once")]
    EarnTooLarge,
}
