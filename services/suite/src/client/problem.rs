//! A status for people to read.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Code, stable reason, message, and each violation on a line of its own.
pub fn explain(status: &Status) -> String {
    let mut text = format!("{:?}", status.code());
    if let Some(info) = status.get_details_error_info() {
        text.push_str(&format!(" ({})", info.reason));
    }
    if !status.message().is_empty() {
        text.push_str(&format!(": {}", status.message()));
    }
    let violations = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations);
    for violation in violations.unwrap_or_default() {
        text.push_str(&format!(
            "\n  {}: {}",
            violation.field, violation.description
        ));
    }
    if let Some(delay) = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay)
    {
        text.push_str(&format!(
            "\n  may be tried again in {} ms",
            delay.as_millis()
        ));
    }
    text
}

/// Whether connecting again would only be refused again.
pub(crate) fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unauthenticated
            | Code::PermissionDenied
            | Code::Unimplemented
            | Code::InvalidArgument
            | Code::NotFound
            | Code::FailedPrecondition
    )
}
