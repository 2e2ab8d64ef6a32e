//! What a credential that passed opens.

use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use crate::fixture::Fixture;
use crate::tokens::with;
use crate::upstream::UNARY;

#[tokio::test]
async fn scopes_and_roles_open_what_the_policy_says_and_nothing_else() {
    let fixture = Fixture::open().await;
    let tenant = fixture.tenant.to_string();
    let claims = |roles: &[&str]| crate::tokens::claims(&tenant, roles, fixture.now());
    let scoped = |scope: Value| with(claims(&[]), "scope", scope);
    let operator = with(claims(&["operator"]), "tenant", Value::Null);
    let outside = with(
        with(claims(&["operator"]), "tenant", Value::Null),
        "scope",
        json!("profiles.read"),
    );
    for (what, claims, expected) in [
        ("the role", claims(&["agent"]), None),
        (
            "the scope as text",
            scoped(json!("x.y profiles.read")),
            None,
        ),
        (
            "the scope as a list",
            scoped(json!(["profiles.read"])),
            None,
        ),
        ("nothing", claims(&[]), Some("SCOPE_MISSING")),
        (
            "another scope",
            scoped(json!("profiles.write")),
            Some("SCOPE_MISSING"),
        ),
        (
            "a scope in another case",
            scoped(json!("Profiles.Read")),
            Some("SCOPE_MISSING"),
        ),
        (
            "an unknown role",
            claims(&["emperor"]),
            Some("SCOPE_MISSING"),
        ),
        (
            "an operator outside any tenant",
            operator,
            Some("SCOPE_MISSING"),
        ),
        ("the same with the scope", outside, Some("TENANT_REQUIRED")),
    ] {
        let bearer = format!("Bearer {}", fixture.key.token(&claims));
        let (_, headers) = fixture.answer(UNARY, &[("authorization", &bearer)]).await;
        let status = tonic::Status::from_header_map(&headers).unwrap();
        let reason = status.get_details_error_info().map(|info| info.reason);
        assert_eq!(reason.as_deref(), expected, "{what}");
        if expected.is_some() {
            assert_eq!(status.code(), tonic::Code::PermissionDenied, "{what}");
        }
    }
}
