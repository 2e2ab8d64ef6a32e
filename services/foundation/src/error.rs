//! What a caller is told when a call fails, and the one place where a `tonic::Status` is built.
//!
//! Every service maps its own error enum to a [`Failure`] exhaustively. The inner cause is logged once here and
//! never shown: clients see stable English text, a code, a reason and the structured google.rpc details.

use std::sync::Arc;
use std::time::Duration;

use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::db;

/// The domain of every reason in `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "rapport.dev";

/// How long a client should wait before it retries when nothing better is known.
pub const DEFAULT_RETRY: Duration = Duration::from_millis(500);

/// The gRPC codes that are in use, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request itself is wrong, whatever the state.
    InvalidArgument,
    /// The state does not allow it now.
    FailedPrecondition,
    /// A stale etag or a lost race: read again, decide again.
    Aborted,
    /// A cursor beyond the end of the log.
    OutOfRange,
    /// The resource, or the key with other content, is there already.
    AlreadyExists,
    /// No such resource in this tenant.
    NotFound,
    /// No valid credential.
    Unauthenticated,
    /// A valid credential without the right.
    PermissionDenied,
    /// Shed: try later.
    ResourceExhausted,
    /// Temporarily impossible, a retry is safe.
    Unavailable,
    /// The deadline passed; the outcome is unknown.
    DeadlineExceeded,
    /// The caller went away.
    Cancelled,
    /// No such method.
    Unimplemented,
    /// Stored data cannot be read back.
    DataLoss,
    /// A fault of ours.
    Internal,
}

impl Code {
    /// Whether the same call may succeed later without being changed.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unavailable
                | Self::ResourceExhausted
                | Self::DeadlineExceeded
                | Self::Aborted
                | Self::Cancelled
        )
    }

    const fn to_tonic(self) -> tonic::Code {
        match self {
            Self::InvalidArgument => tonic::Code::InvalidArgument,
            Self::FailedPrecondition => tonic::Code::FailedPrecondition,
            Self::Aborted => tonic::Code::Aborted,
            Self::OutOfRange => tonic::Code::OutOfRange,
            Self::AlreadyExists => tonic::Code::AlreadyExists,
            Self::NotFound => tonic::Code::NotFound,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::PermissionDenied => tonic::Code::PermissionDenied,
            Self::ResourceExhausted => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::DeadlineExceeded => tonic::Code::DeadlineExceeded,
            Self::Cancelled => tonic::Code::Cancelled,
            Self::Unimplemented => tonic::Code::Unimplemented,
            Self::DataLoss => tonic::Code::DataLoss,
            Self::Internal => tonic::Code::Internal,
        }
    }

    const fn from_tonic(code: tonic::Code) -> Self {
        match code {
            tonic::Code::InvalidArgument => Self::InvalidArgument,
            tonic::Code::FailedPrecondition => Self::FailedPrecondition,
            tonic::Code::Aborted => Self::Aborted,
            tonic::Code::OutOfRange => Self::OutOfRange,
            tonic::Code::AlreadyExists => Self::AlreadyExists,
            tonic::Code::NotFound => Self::NotFound,
            tonic::Code::Unauthenticated => Self::Unauthenticated,
            tonic::Code::PermissionDenied => Self::PermissionDenied,
            tonic::Code::ResourceExhausted => Self::ResourceExhausted,
            tonic::Code::Unavailable => Self::Unavailable,
            tonic::Code::DeadlineExceeded => Self::DeadlineExceeded,
            tonic::Code::Cancelled => Self::Cancelled,
            tonic::Code::Unimplemented => Self::Unimplemented,
            tonic::Code::DataLoss => Self::DataLoss,
            tonic::Code::Internal | tonic::Code::Unknown | tonic::Code::Ok => Self::Internal,
        }
    }
}

/// One thing that is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, such as `identifiers[2].value`.
    pub field: String,
    /// A stable `UPPER_SNAKE` reason.
    pub reason: &'static str,
    /// What is wrong, in English, without repeating the value.
    pub description: String,
}

type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// A failed call, as its caller will see it; cheap to clone, so that one failure can answer a whole batch.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Failure {
    inner: Box<Inner>,
    /// The gRPC code.
    pub code: Code,
    /// The stable reason, `UPPER_SNAKE`.
    pub reason: &'static str,
    /// Stable English text.
    pub message: std::borrow::Cow<'static, str>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    violations: Vec<Violation>,
    metadata: Vec<(&'static str, String)>,
    /// Whose quota, and what it allows.
    quotas: Vec<(String, String)>,
    retry_after: Option<Duration>,
    passes_within: Option<Duration>,
    source: Option<Cause>,
}

impl Failure {
    /// A failure with a code, a stable reason and a stable text.
    #[must_use]
    pub fn new(
        code: Code,
        reason: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Self {
        let retry_after =
            matches!(code, Code::Unavailable | Code::ResourceExhausted).then_some(DEFAULT_RETRY);
        let inner = Box::new(Inner {
            retry_after,
            ..Inner::default()
        });
        Self {
            inner,
            code,
            reason,
            message: message.into(),
        }
    }

    /// `INVALID_ARGUMENT` with every violation of the request.
    #[must_use]
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let mut failure = Self::new(
            Code::InvalidArgument,
            "INVALID_REQUEST",
            "The request has invalid fields.",
        );
        failure.inner.violations = violations;
        failure
    }

    /// Names the fields it is about.
    #[must_use]
    pub fn naming(mut self, violations: Vec<Violation>) -> Self {
        self.inner.violations = violations;
        self
    }

    /// `NOT_FOUND`: the same answer for what never existed and for what another tenant owns.
    #[must_use]
    pub fn not_found(kind: &'static str, id: &impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, "NOT_FOUND", "There is no such resource.")
            .with_meta("resource", kind)
            .with_meta("id", id.to_string())
    }

    /// Adds a machine-readable detail (`ErrorInfo.metadata`). Never personal data.
    #[must_use]
    pub fn with_meta(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.inner.metadata.push((key, value.into()));
        self
    }

    /// Names a quota that was used up (`google.rpc.QuotaFailure`): whose it is, and what it allows.
    #[must_use]
    pub fn with_quota(mut self, subject: impl Into<String>, allows: impl Into<String>) -> Self {
        self.inner.quotas.push((subject.into(), allows.into()));
        self
    }

    /// Tells the client to wait this long before a retry.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.inner.retry_after = Some(delay);
        self
    }

    /// Says that it passes by itself: who repeats the work beside the calls never waits longer than this between two tries.
    #[must_use]
    pub fn passing_within(mut self, longest_pause: Duration) -> Self {
        self.inner.passes_within = Some(longest_pause);
        self
    }

    /// What [`passing_within`](Self::passing_within) said.
    #[must_use]
    pub const fn passes_within(&self) -> Option<Duration> {
        self.inner.passes_within
    }

    /// Tells the client nothing about a retry: the same call will fail again.
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.inner.retry_after = None;
        self
    }

    /// Keeps the cause for the log; it is never shown to a client.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(Arc::from(cause.into()));
        self
    }

    /// Every violation of an invalid request.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.inner.violations
    }

    /// The value of one machine-readable detail.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.inner
            .metadata
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value.as_str())
    }

    /// The inner cause, for logs.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.inner.source.as_deref()
    }

    /// Whether the same call may succeed later without being changed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.code.is_transient()
    }

    fn log(&self) {
        let Some(source) = &self.inner.source else {
            return;
        };
        match self.code {
            Code::Internal | Code::DataLoss => {
                tracing::error!(reason = self.reason, error = %chain(source.as_ref()), "call failed");
            }
            _ => {
                tracing::warn!(reason = self.reason, error = %chain(source.as_ref()), "call failed")
            }
        }
    }
}

/// The texts of an error and of what caused it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !text.contains(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        next = cause.source();
    }
    text
}

impl From<Failure> for tonic::Status {
    /// The one place where a status is built; logs the inner cause.
    fn from(failure: Failure) -> Self {
        failure.log();
        let mut details = ErrorDetails::new();
        details.set_error_info(
            failure.reason,
            DOMAIN,
            failure
                .inner
                .metadata
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect::<std::collections::HashMap<_, _>>(),
        );
        if !failure.inner.violations.is_empty() {
            let violations: Vec<FieldViolation> = failure
                .inner
                .violations
                .iter()
                .map(|violation| FieldViolation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                    reason: violation.reason.to_owned(),
                    localized_message: None,
                })
                .collect();
            details.set_bad_request(violations);
        }
        for (subject, allows) in &failure.inner.quotas {
            details.add_quota_failure_violation(subject, allows);
        }
        if failure.inner.retry_after.is_some() {
            details.set_retry_info(failure.inner.retry_after);
        }
        Self::with_error_details(failure.code.to_tonic(), failure.message, details)
    }
}

/// A code's name in the protocol: `NOT_FOUND`.
#[must_use]
pub const fn code_name(code: tonic::Code) -> &'static str {
    match code {
        tonic::Code::Ok => "OK",
        tonic::Code::Cancelled => "CANCELLED",
        tonic::Code::Unknown => "UNKNOWN",
        tonic::Code::InvalidArgument => "INVALID_ARGUMENT",
        tonic::Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        tonic::Code::NotFound => "NOT_FOUND",
        tonic::Code::AlreadyExists => "ALREADY_EXISTS",
        tonic::Code::PermissionDenied => "PERMISSION_DENIED",
        tonic::Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        tonic::Code::FailedPrecondition => "FAILED_PRECONDITION",
        tonic::Code::Aborted => "ABORTED",
        tonic::Code::OutOfRange => "OUT_OF_RANGE",
        tonic::Code::Unimplemented => "UNIMPLEMENTED",
        tonic::Code::Internal => "INTERNAL",
        tonic::Code::Unavailable => "UNAVAILABLE",
        tonic::Code::DataLoss => "DATA_LOSS",
        tonic::Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Reasons that travel between services and keep their meaning; others become `UPSTREAM`.
const KNOWN_REASONS: &[&str] = &[
    "NOT_FOUND",
    "INVALID_REQUEST",
    "ETAG_MISMATCH",
    "REQUEST_ID_REUSED",
    "OVERLOADED",
    "CURSOR_AHEAD",
    "STORE_UNREACHABLE",
];

impl From<tonic::Status> for Failure {
    /// A neighbour's answer as our own failure: the code is kept, its text is not shown.
    fn from(status: tonic::Status) -> Self {
        let info = status.get_details_error_info();
        let reason = info
            .as_ref()
            .and_then(|info| KNOWN_REASONS.iter().find(|known| **known == info.reason))
            .copied()
            .unwrap_or("UPSTREAM");
        let mut failure = Self::new(
            Code::from_tonic(status.code()),
            reason,
            "A neighbouring service refused the call.",
        );
        if let Some(delay) = status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay)
        {
            failure.inner.retry_after = Some(delay);
        }
        failure.caused_by(status)
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        let failure = match &error {
            db::Error::Stale | db::Error::Raced => Self::new(
                Code::Aborted,
                "CONFLICT",
                "The resource was changed at the same time; try again.",
            ),
            db::Error::Unique => Self::new(
                Code::AlreadyExists,
                "ALREADY_EXISTS",
                "The resource exists already.",
            ),
            db::Error::Busy => Self::new(
                Code::Unavailable,
                "STORE_BUSY",
                "The store is busy; try again.",
            ),
            db::Error::Unreachable => Self::new(
                Code::Unavailable,
                "STORE_UNREACHABLE",
                "The store cannot be reached; try again.",
            ),
            db::Error::Full => Self::new(
                Code::ResourceExhausted,
                "STORE_FULL",
                "The store has no space left.",
            )
            .retry_after(Duration::from_secs(30)),
            db::Error::Erased => Self::new(Code::NotFound, "ERASED", "The data was erased."),
            db::Error::Corrupt(_) => Self::new(
                Code::DataLoss,
                "DATA_UNREADABLE",
                "Stored data cannot be read.",
            ),
            db::Error::Misconfigured(_) | db::Error::Engine(_) => {
                Self::new(Code::Internal, "INTERNAL", "The service failed.")
            }
        };
        match &error {
            db::Error::Stale | db::Error::Raced | db::Error::Unique | db::Error::Erased => failure,
            _ => failure.caused_by(error),
        }
    }
}

#[cfg(test)]
mod tests;
