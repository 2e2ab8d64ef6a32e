//! How much may stand in a token, up to the last second and the last letter, and whom it makes of its holder.

use rapport_foundation::context::PrincipalKind;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::staff::READ;
use crate::tokens::with;

/// The code of an honest token but for these claims.
async fn code(fixture: &Fixture, changes: &[(&str, Value)]) -> String {
    let honest = fixture.claims();
    let claims = changes.iter().fold(honest, |claims, (name, value)| {
        with(claims, name, value.clone())
    });
    fixture.code(&fixture.key.token(&claims)).await
}

fn names(count: usize) -> Value {
    let others = (1..count).map(|at| format!("other-{at}"));
    json!(others.chain(["agent".to_owned()]).collect::<Vec<_>>())
}

#[tokio::test]
async fn times_are_held_to_the_second() {
    let fixture = Fixture::open().await;
    let now = fixture.now();
    for (name, second, expected) in [
        ("exp", now - 30, "16"),
        ("nbf", now + 30, "0"),
        ("iat", now + 30, "0"),
    ] {
        let found = code(&fixture, &[(name, json!(second))]).await;
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn names_are_as_many_and_as_long_as_they_may_be_and_no_more() {
    let fixture = Fixture::open().await;
    let long = |length: usize| "x".repeat(length);
    for (name, value, expected) in [
        ("roles", names(256), "0"),
        ("roles", names(257), "16"),
        ("roles", json!(["agent", long(128)]), "0"),
        ("roles", json!(["agent", long(129)]), "16"),
        ("roles", json!(["agent", ""]), "16"),
        ("roles", json!(["agent", "a\tb"]), "16"),
        ("roles", json!(["agent", 7]), "16"),
        ("roles", json!("other agent"), "0"),
        ("scope", json!(long(128)), "0"),
        ("scope", json!(long(129)), "16"),
        ("connector", json!(long(64)), "0"),
        ("connector", json!(long(65)), "16"),
        ("connector", json!(""), "16"),
        ("connector", json!(7), "16"),
        ("jti", json!(long(255)), "0"),
        ("jti", json!(long(256)), "16"),
        ("jti", json!(""), "16"),
        ("jti", json!(7), "16"),
        ("kind", json!("emperor"), "16"),
        ("kind", json!(7), "16"),
    ] {
        let found = code(&fixture, &[(name, value.clone())]).await;
        assert_eq!(found, expected, "{name} {value}");
    }
}

/// An honest token of this length.
fn of_length(fixture: &Fixture, length: usize) -> String {
    let padded = |value: Value, by: usize| with(value, "pad", json!("x".repeat(by))).to_string();
    let header = |by| padded(fixture.key.header(), by);
    let claims = |by| padded(fixture.claims(), by);
    let of_base64 = |bytes: usize| (bytes * 4).div_ceil(3);
    // Base64 has no text of some lengths: the header takes what is missing.
    for more in 0..4 {
        let header = header(more);
        // The claims, beside a signature of 64 bytes and two dots.
        let left = length - of_base64(header.len()) - of_base64(64) - 2;
        let bytes = left * 3 / 4;
        if of_base64(bytes) == left {
            let claims = claims(bytes - claims(0).len());
            let token = fixture.key.sign(&header, &claims);
            assert_eq!(token.len(), length);
            return token;
        }
    }
    panic!("no token has {length} letters");
}

#[tokio::test]
async fn a_token_is_as_long_as_it_may_be_and_no_longer() {
    let fixture = Fixture::open().await;
    for (length, expected) in [(8 * 1024, "0"), (8 * 1024 + 1, "16")] {
        let token = of_length(&fixture, length);
        assert_eq!(fixture.code(&token).await, expected, "{length}");
    }
}

#[tokio::test]
async fn who_does_not_say_what_they_are_is_what_the_rest_says() {
    let fixture = Fixture::open().await;
    let scope = ("scope", json!(READ));
    let role = |role: &str| ("roles", json!([role]));
    let connector = ("connector", json!("shop"));
    let said = |kind: &str| ("kind", json!(kind));
    for (claims, kind) in [
        (vec![role("agent")], PrincipalKind::Staff),
        (vec![role("end_customer")], PrincipalKind::Customer),
        (vec![role("operator")], PrincipalKind::Operator),
        (
            vec![role("end_customer"), connector.clone()],
            PrincipalKind::Connector,
        ),
        (
            vec![role("end_customer"), said("staff")],
            PrincipalKind::Staff,
        ),
        (vec![role("agent"), said("system")], PrincipalKind::System),
        (
            vec![role("agent"), said("customer")],
            PrincipalKind::Customer,
        ),
        (
            vec![role("agent"), said("operator")],
            PrincipalKind::Operator,
        ),
        (
            vec![role("agent"), said("connector"), connector],
            PrincipalKind::Connector,
        ),
    ] {
        let claims: Vec<_> = claims.into_iter().chain([scope.clone()]).collect();
        assert_eq!(code(&fixture, &claims).await, "0", "{claims:?}");
        let seen = fixture.upstream.last().context;
        assert_eq!(seen.kind, kind, "{claims:?}");
    }
}
