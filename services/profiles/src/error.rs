//! What can go wrong in this service, and what its callers are told.

use rapport_foundation::db;
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::id::{CustomerId, IdentifierId};

use crate::domain::customer::Unchangeable;
use crate::domain::merge;

/// A failed call of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The request is malformed, or foundation refused it.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// No such customer.
    #[error("no such customer")]
    NoCustomer(CustomerId),
    /// The customer has no such identifier now.
    #[error("no such identifier")]
    NoIdentifier(IdentifierId),
    /// The customer is merged or deleted.
    #[error(transparent)]
    Unchangeable(#[from] Unchangeable),
    /// The other customer is not part of this one.
    #[error("the customer is not part of the other")]
    NotMerged {
        /// The customer that was to be split.
        customer: CustomerId,
        /// The one that was to stand alone.
        other: CustomerId,
    },
    /// An identifier is another customer's.
    #[error("an identifier is another customer's")]
    IdentifierTaken {
        /// Its place in the request.
        field: String,
        /// Whose it is.
        owner: CustomerId,
    },
    /// The customer was changed since the caller read it.
    #[error("the customer was changed since it was read")]
    EtagMismatch(CustomerId),
    /// The request id was used with other content.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// More identifiers than a customer may have.
    #[error("the customer has too many identifiers")]
    TooManyIdentifiers(CustomerId),
}

impl From<merge::Refused> for Error {
    fn from(refused: merge::Refused) -> Self {
        match refused {
            merge::Refused::Unchangeable(why) => Self::Unchangeable(why),
            merge::Refused::NotMerged { customer, other } => Self::NotMerged { customer, other },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Refused(failure) => failure,
            Error::NoCustomer(id) => Self::not_found("customer", &id),
            Error::NoIdentifier(id) => Self::not_found("identifier", &id),
            Error::Unchangeable(Unchangeable::Merged { customer, part_of }) => Self::new(
                Code::FailedPrecondition,
                "CUSTOMER_MERGED",
                "The customer is part of another one; change that one.",
            )
            .with_meta("customer_id", customer.to_string())
            .with_meta("merged_into_customer_id", part_of.to_string()),
            Error::Unchangeable(Unchangeable::Deleted { customer }) => Self::new(
                Code::FailedPrecondition,
                "CUSTOMER_DELETED",
                "The customer was deleted.",
            )
            .with_meta("customer_id", customer.to_string()),
            Error::NotMerged { customer, other } => Self::new(
                Code::FailedPrecondition,
                "NOT_MERGED",
                "The one customer is not part of the other.",
            )
            .with_meta("customer_id", customer.to_string())
            .with_meta("merged_customer_id", other.to_string()),
            Error::IdentifierTaken { field, owner } => Self::new(
                Code::AlreadyExists,
                "IDENTIFIER_TAKEN",
                "An identifier is another customer's.",
            )
            .with_meta("field", field)
            .with_meta("customer_id", owner.to_string()),
            Error::EtagMismatch(id) => Self::new(
                Code::Aborted,
                "ETAG_MISMATCH",
                "The customer was changed since it was read.",
            )
            .with_meta("customer_id", id.to_string()),
            Error::RequestIdReused => rapport_foundation::idempotency::reused(),
            Error::TooManyIdentifiers(id) => Self::new(
                Code::FailedPrecondition,
                "TOO_MANY_IDENTIFIERS",
                "The customer has as many identifiers as one can have.",
            )
            .with_meta("customer_id", id.to_string()),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}
