//! What the gateway answers itself, and why it may not start.

use std::path::PathBuf;
use std::time::Duration;

use rapport_foundation::db;
use rapport_foundation::error::{Code, Failure, Violation};
use rapport_foundation::http_client;
use rapport_foundation::id::{ApiKeyId, BindingId, RevocationId, RoleId, TenantId};

use crate::domain::api_key::EndFault;
use crate::policy::Incomplete;

/// A call that goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// No credential that is believed. The reason is in the log and nowhere else.
    Unauthenticated,
    /// Who may call is not known well enough: the database has been away for too long.
    AccessStale,
    /// The client has presented too many credentials that are not valid: this one was not looked at.
    TooManyRefused {
        /// When one is looked at again.
        retry_after: Duration,
    },
    /// The credential does not hold the scope of the method.
    ScopeMissing {
        /// The scope.
        scope: String,
    },
    /// The credential belongs to no tenant and the method works inside one.
    TenantRequired,
    /// There is no such method for callers from outside.
    MethodUnknown,
    /// `grpc-timeout` does not follow the protocol.
    TimeoutMalformed,
    /// A message announces more bytes than are taken.
    MessageTooLarge {
        /// What is taken, in bytes.
        limit: u32,
    },
    /// Calls of a class come faster than they may.
    RateExceeded {
        /// Whose rate it is: the principal's or the tenant's.
        whose: &'static str,
        /// Which calls.
        class: &'static str,
        /// How many of them a second.
        per_second: u32,
        /// When the next one may come.
        retry_after: Duration,
    },
    /// More calls or streams run than may at a time.
    TooManyAtOnce {
        /// Whose: the principal's or the tenant's.
        whose: &'static str,
        /// Calls or streams.
        what: &'static str,
        /// How many may.
        most: u32,
        /// When to try again.
        retry_after: Duration,
    },
    /// The part of the suite that serves the method does not keep up with what is asked of it.
    Overloaded,
    /// The credential ended, or lost its right, while its stream was open.
    TokenEnded,
    /// The connection is old and takes its leave; the stream is opened again on another.
    ConnectionAged,
    /// The gateway is stopping; another one takes the stream.
    Stopping,
    /// The audit trail has no place for the call.
    NotAuditable,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Unauthenticated | Rejection::TokenEnded => Failure::new(
                Code::Unauthenticated,
                "UNAUTHENTICATED",
                "The call carries no valid credential.",
            ),
            Rejection::AccessStale => Failure::new(
                Code::Unavailable,
                "ACCESS_STALE",
                "It is not known for sure at the moment who may call.",
            )
            .retry_after(Duration::from_secs(2)),
            Rejection::TooManyRefused { retry_after } => Failure::new(
                Code::ResourceExhausted,
                "TOO_MANY_REFUSED",
                "From this address came too many credentials that are not valid; this one was not looked at.",
            )
            .retry_after(retry_after),
            Rejection::ScopeMissing { scope } => Failure::new(
                Code::PermissionDenied,
                "SCOPE_MISSING",
                "The credential does not hold the scope of this method.",
            )
            .with_meta("scope", scope),
            Rejection::TenantRequired => Failure::new(
                Code::PermissionDenied,
                "TENANT_REQUIRED",
                "The method works inside a tenant and the credential belongs to none.",
            ),
            Rejection::MethodUnknown => Failure::new(
                Code::Unimplemented,
                "METHOD_UNKNOWN",
                "There is no such method.",
            ),
            Rejection::TimeoutMalformed => Failure::new(
                Code::InvalidArgument,
                "TIMEOUT_MALFORMED",
                "grpc-timeout must be 1 to 8 digits followed by one of H M S m u n.",
            ),
            Rejection::MessageTooLarge { limit } => Failure::new(
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
                "A message is larger than is taken.",
            )
            .with_meta("limit_bytes", limit.to_string())
            .without_retry(),
            Rejection::RateExceeded {
                whose,
                class,
                per_second,
                retry_after,
            } => Failure::new(
                Code::ResourceExhausted,
                "RATE_EXCEEDED",
                "Calls come faster than the caller's quota allows.",
            )
            .with_meta("quota", format!("{whose} {class}"))
            .with_quota(whose, format!("{per_second} {class} calls a second"))
            .retry_after(retry_after),
            Rejection::TooManyAtOnce {
                whose,
                what,
                most,
                retry_after,
            } => Failure::new(
                Code::ResourceExhausted,
                "TOO_MANY_AT_ONCE",
                "More runs at a time than the caller's quota allows.",
            )
            .with_meta("quota", format!("{whose} concurrent {what}"))
            .with_quota(whose, format!("{most} {what} at a time"))
            .retry_after(retry_after),
            Rejection::Overloaded => Failure::new(
                Code::ResourceExhausted,
                "OVERLOADED",
                "The service has more to do than it can; this call was not begun.",
            )
            // Not all at the same moment again.
            .retry_after(Duration::from_millis(rand::random_range(200..1_000))),
            Rejection::ConnectionAged => Failure::new(
                Code::Unavailable,
                "CONNECTION_AGED",
                "The connection has reached its age; open the stream again.",
            )
            .retry_after(Duration::from_millis(500)),
            Rejection::Stopping => Failure::new(
                Code::Unavailable,
                "STOPPING",
                "The gateway is stopping; open the stream again.",
            )
            .retry_after(Duration::from_millis(500)),
            Rejection::NotAuditable => Failure::new(
                Code::Unavailable,
                "NOT_AUDITABLE",
                "The audit trail cannot be written; nothing was done.",
            )
            .retry_after(Duration::from_secs(1)),
        }
    }
}

/// A failed call of the gateway's own services.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such tenant, or not for this caller.
    #[error("no tenant {0}")]
    TenantNotFound(TenantId),
    /// An operator outside any tenant named none.
    #[error("no tenant is named")]
    TenantUnnamed,
    /// A revocation reaches too far ahead.
    #[error("too far ahead")]
    TooFarAhead,
    /// The tenant's id is taken.
    #[error("tenant {0} exists")]
    TenantExists(TenantId),
    /// No such key in the tenant.
    #[error("no key {0}")]
    KeyNotFound(ApiKeyId),
    /// The key is revoked: for ever.
    #[error("key {0} is revoked")]
    KeyRevoked(ApiKeyId),
    /// A key cannot end then; the field that says so.
    #[error("a key cannot end then: {1:?}")]
    KeyEnd(&'static str, EndFault),
    /// No such role in the tenant.
    #[error("no role {0}")]
    RoleNotFound(RoleId),
    /// Another role of the tenant has the name.
    #[error("a role of that name exists")]
    RoleExists,
    /// No such binding in the tenant.
    #[error("no binding {0}")]
    BindingNotFound(BindingId),
    /// No such revocation in the tenant.
    #[error("no revocation {0}")]
    RevocationNotFound(RevocationId),
    /// The caller does not hold what would be given.
    #[error("{0} is not the caller's to give")]
    NotHeld(String),
    /// The tenant has as many of a kind as it may.
    #[error("there are {most} of {kind} already")]
    TooMany {
        /// Of what.
        kind: &'static str,
        /// How many may be.
        most: u64,
    },
    /// The caller's etag is not that of what is stored.
    #[error("stale etag")]
    EtagMismatch,
    /// The random source failed.
    #[error("no randomness")]
    NoRandomness,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// Refused for a reason of the foundation: a reused request id, a foreign page token.
    #[error(transparent)]
    Refused(#[from] Failure),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::TenantNotFound(id) => Failure::not_found("tenant", &id),
            Error::TenantUnnamed => violation("tenant_id", "REQUIRED", "is required of operators"),
            Error::TooFarAhead => violation(
                "before_time",
                "OUT_OF_RANGE",
                "is more than five minutes ahead",
            ),
            Error::TenantExists(id) => Failure::new(
                Code::AlreadyExists,
                "ALREADY_EXISTS",
                "A tenant with this id exists already.",
            )
            .with_meta("id", id.to_string()),
            Error::KeyNotFound(id) => Failure::not_found("api_key", &id),
            Error::RoleNotFound(id) => Failure::not_found("role", &id),
            Error::BindingNotFound(id) => Failure::not_found("binding", &id),
            Error::RevocationNotFound(id) => Failure::not_found("revocation", &id),
            Error::KeyRevoked(id) => Failure::new(
                Code::FailedPrecondition,
                "API_KEY_REVOKED",
                "The key is revoked; make another one.",
            )
            .with_meta("id", id.to_string()),
            Error::KeyEnd(field, EndFault::Past) => {
                violation(field, "OUT_OF_RANGE", "is over already")
            }
            Error::KeyEnd(field, EndFault::TooFar(longest)) => {
                let days = longest.as_secs() / 86_400;
                let what = format!(
                    "is more than {days} days ahead, the longest that keys are good for here"
                );
                violation(field, "OUT_OF_RANGE", &what)
            }
            Error::RoleExists => Failure::new(
                Code::AlreadyExists,
                "ALREADY_EXISTS",
                "A role with this name exists already.",
            ),
            Error::NotHeld(what) => Failure::new(
                Code::PermissionDenied,
                "GRANT_NOT_HELD",
                "Nobody gives what they do not hold themselves.",
            )
            .with_meta("grant", what),
            Error::TooMany { kind, most } => Failure::new(
                Code::ResourceExhausted,
                "TOO_MANY",
                "The tenant has as many of these as it may.",
            )
            .with_meta("resource", kind)
            .with_meta("limit", most.to_string())
            .without_retry(),
            Error::EtagMismatch => Failure::new(
                Code::Aborted,
                "ETAG_MISMATCH",
                "The resource was changed since it was read.",
            ),
            Error::NoRandomness => {
                Failure::new(Code::Internal, "INTERNAL", "The call could not be served.")
            }
            Error::Store(error) => error.into(),
            Error::Refused(failure) => failure,
        }
    }
}

fn violation(field: &str, reason: &'static str, what: &str) -> Failure {
    Failure::invalid(vec![Violation {
        field: field.into(),
        reason,
        description: what.into(),
    }])
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The contracts are incomplete.
    #[error(transparent)]
    Policy(#[from] Incomplete),
    /// A setting cannot be used.
    #[error("gateway.{key}: {problem}")]
    Setting {
        /// Which, below `gateway`.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be used.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The HTTP client for key sets cannot be made.
    #[error(transparent)]
    HttpClient(#[from] http_client::Error),
    /// The gateway's database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The system gives no threads to answer on.
    #[error("no threads can be started: {0}")]
    Threads(#[from] std::io::Error),
}

impl OpenError {
    pub(crate) fn setting(key: impl Into<String>, problem: impl Into<String>) -> Self {
        OpenError::Setting {
            key: key.into(),
            problem: problem.into(),
        }
    }
}
