//! What can go wrong in this service, and what its callers are told.

use rapport_foundation::db;
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::etag;
use rapport_foundation::id::{EntryId, HoldId, MemberId, ProgramId};

use crate::domain::{OrderId, Refusal};

/// A failed call of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The request is malformed, or foundation refused it.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The ledger says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No such programme.
    #[error("no such programme")]
    NoProgram(ProgramId),
    /// No such member.
    #[error("no such member")]
    NoMember(MemberId),
    /// No such hold.
    #[error("no such hold")]
    NoHold(HoldId),
    /// No such entry.
    #[error("no such entry")]
    NoEntry(EntryId),
    /// Another programme has the code.
    #[error("the code is taken")]
    CodeTaken,
    /// The customer is a member of the programme already.
    #[error("the customer is a member")]
    MemberExists(MemberId),
    /// The order has earned with other content.
    #[error("the order has earned with other content")]
    OrderReused(OrderId),
    /// The request id was used with other content.
    #[error("the request id was used with other content")]
    RequestIdReused,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Failed(failure) => failure,
            Error::Refused(refusal) => refused(&refusal),
            Error::NoProgram(id) => Self::not_found("program", &id),
            Error::NoMember(id) => Self::not_found("member", &id),
            Error::NoHold(id) => Self::not_found("hold", &id),
            Error::NoEntry(id) => Self::not_found("entry", &id),
            Error::CodeTaken => Self::new(
                Code::AlreadyExists,
                "PROGRAM_CODE_TAKEN",
                "Another programme has this code.",
            ),
            Error::MemberExists(id) => Self::new(
                Code::AlreadyExists,
                "MEMBER_EXISTS",
                "The customer is a member of the programme already.",
            )
            .with_meta("member_id", id.to_string()),
            Error::OrderReused(order) => Self::new(
                Code::AlreadyExists,
                "ORDER_REUSED",
                "The order has earned already, with other content.",
            )
            .with_meta("order_id", order.as_str()),
            Error::RequestIdReused => rapport_foundation::idempotency::reused(),
        }
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let state = |reason, message| Failure::new(Code::FailedPrecondition, reason, message);
    match refusal {
        Refusal::BalanceTooLow { available, wanted } => state(
            "BALANCE_TOO_LOW",
            "There are too few points that can be spent now.",
        )
        .with_meta("available_units", available.to_string())
        .with_meta("wanted_units", wanted.to_string()),
        Refusal::BalanceTooHigh => state(
            "BALANCE_TOO_HIGH",
            "The account would hold more than an account may.",
        ),
        Refusal::TooManyHolds => state("TOO_MANY_HOLDS", "The member has too many open holds."),
        Refusal::HoldNotOpen { state: now } => state(
            "HOLD_NOT_OPEN",
            "The hold was captured, voided or has lapsed.",
        )
        .with_meta("state", now.as_str()),
        Refusal::CaptureTooLarge { held, wanted } => state(
            "CAPTURE_TOO_LARGE",
            "More is to be captured than was set aside.",
        )
        .with_meta("held_units", held.to_string())
        .with_meta("wanted_units", wanted.to_string()),
        Refusal::Stale { version } => Failure::new(
            Code::Aborted,
            "ETAG_MISMATCH",
            "The hold was changed since it was read.",
        )
        .with_meta("etag", etag::of(*version)),
        Refusal::NotReversible { kind } => state(
            "NOT_REVERSIBLE",
            "Only an earn or a capture can be taken back.",
        )
        .with_meta("type", kind.as_str()),
        Refusal::AlreadyReversed => state(
            "ALREADY_REVERSED",
            "Nothing of the entry is left to take back.",
        ),
        Refusal::ReversalTooLarge { left, wanted } => state(
            "REVERSAL_TOO_LARGE",
            "Less of the entry is left than is to be taken back.",
        )
        .with_meta("left_units", left.to_string())
        .with_meta("wanted_units", wanted.to_string()),
        Refusal::CurrencyMismatch => state(
            "CURRENCY_MISMATCH",
            "The programme earns in another currency, and nothing is exchanged silently.",
        ),
        Refusal::PointsMismatch => state(
            "POINTS_MISMATCH",
            "The programme's points have another code or exponent.",
        ),
        Refusal::EarnTooLarge => Failure::new(
            Code::InvalidArgument,
            "EARN_TOO_LARGE",
            "The order earns more than can be given at once.",
        ),
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}
