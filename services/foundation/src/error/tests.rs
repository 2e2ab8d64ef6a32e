#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_status_carries_reason_violations_and_retry_but_never_the_cause() {
    let failure = Failure::new(
        Code::Unavailable,
        "STORE_UNREACHABLE",
        "The store cannot be reached.",
    )
    .with_meta("store", "profiles")
    .retry_after(Duration::from_secs(2))
    .caused_by("password authentication failed for host 10.0.0.7");
    let status = tonic::Status::from(failure);
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(!format!("{status:?}").contains("10.0.0.7"));
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("STORE_UNREACHABLE", DOMAIN)
    );
    assert_eq!(info.metadata["store"], "profiles");
    assert_eq!(
        status.get_details_retry_info().unwrap().retry_delay,
        Some(Duration::from_secs(2))
    );

    let invalid = tonic::Status::from(Failure::invalid(vec![
        Violation {
            field: "a".into(),
            reason: "REQUIRED",
            description: "is required".into(),
        },
        Violation {
            field: "b".into(),
            reason: "TOO_LONG",
            description: "is too long".into(),
        },
    ]));
    let bad = invalid.get_details_bad_request().unwrap();
    assert_eq!(bad.field_violations.len(), 2);
    assert_eq!(bad.field_violations[1].reason, "TOO_LONG");
}

#[test]
fn a_neighbours_answer_keeps_code_reason_and_retry() {
    let upstream = tonic::Status::from(Failure::not_found("customer", &"cus_x"));
    let failure = Failure::from(upstream);
    assert_eq!(
        (failure.code, failure.reason),
        (Code::NotFound, "NOT_FOUND")
    );
    let plain = Failure::from(tonic::Status::unavailable("tcp connect error 10.0.0.7"));
    assert_eq!((plain.code, plain.reason), (Code::Unavailable, "UPSTREAM"));
    assert!(plain.is_transient());
    assert!(!plain.to_string().contains("10.0.0.7"));
}
