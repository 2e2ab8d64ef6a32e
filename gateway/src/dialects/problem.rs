//! A gRPC status as other protocols tell it: an HTTP status, and JSON.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::StatusCode;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use rapport_foundation::error::code_name;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The contracts of `google.rpc`, for the details of an error.
static RPC: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| {
    let mut pool = DescriptorPool::global();
    pool.decode_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .ok()?;
    Some(pool)
});

/// The HTTP status of a code, as `google/rpc/code.proto` maps them; Connect uses the same.
pub(super) fn http_status(status: &Status) -> StatusCode {
    let number = match status.code() {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::ResourceExhausted if has_reason(status, "MESSAGE_TOO_LARGE") => 413,
        Code::ResourceExhausted => 429,
        Code::Unimplemented if has_reason(status, "VERB_NOT_ALLOWED") => 405,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// HTTP has words of its own for a few reasons.
fn has_reason(status: &Status, reason: &str) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|info| info.reason == reason)
}

/// How long the caller should wait before it tries again, in whole seconds.
pub(super) fn retry_after_s(status: &Status) -> Option<u64> {
    let delay = status.get_details_retry_info()?.retry_delay?;
    Some(delay.as_secs() + u64::from(delay.subsec_nanos() > 0))
}

/// The error object of AIP-193.
pub(super) fn error(status: &Status) -> Value {
    json!({"error": {
        "code": http_status(status).as_u16(),
        "status": code_name(status.code()),
        "message": status.message(),
        "details": details(status).unwrap_or_else(|| json!([])),
    }})
}

/// The details as ProtoJSON, each with its type.
fn details(status: &Status) -> Option<Value> {
    let kind = RPC.as_ref()?.get_message_by_name("google.rpc.Status")?;
    let told = DynamicMessage::decode(kind, status.details()).ok()?;
    serde_json::to_value(told).ok()?.get("details").cloned()
}

/// The error object of Connect (connectrpc.com, "Connect protocol reference", error end-stream).
pub(super) fn connect_error(status: &Status) -> Value {
    let code = match status.code() {
        // American spelling there.
        Code::Cancelled => "canceled".to_owned(),
        code => code_name(code).to_ascii_lowercase(),
    };
    let told = tonic_types::Status::decode(status.details()).unwrap_or_default();
    let details: Vec<Value> = told
        .details
        .iter()
        .map(|detail| {
            let kind = detail.type_url.rsplit('/').next().unwrap_or_default();
            json!({"type": kind, "value": STANDARD_NO_PAD.encode(&detail.value)})
        })
        .collect();
    json!({"code": code, "message": status.message(), "details": details})
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rapport_foundation::error::{Code, Failure};

    use super::*;

    #[test]
    fn an_error_carries_everything_that_grpc_tells() {
        let failure = Failure::new(Code::ResourceExhausted, "OVERLOADED", "Later.")
            .with_meta("limit", "7")
            .retry_after(Duration::from_millis(1_200));
        let status = Status::from(failure);
        assert_eq!(retry_after_s(&status), Some(2));
        let told = error(&status);
        assert_eq!(told["error"]["code"], 429);
        assert_eq!(told["error"]["status"], "RESOURCE_EXHAUSTED");
        let retry =
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.200s"});
        let info = json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "OVERLOADED",
            "domain": "rapport.dev",
            "metadata": {"limit": "7"},
        });
        assert_eq!(told["error"]["details"], json!([retry, info]));
        let told = connect_error(&status);
        assert_eq!(told["code"], "resource_exhausted");
        assert_eq!(told["details"][1]["type"], "google.rpc.ErrorInfo");
    }
}
