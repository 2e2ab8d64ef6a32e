#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;

use super::*;
use crate::time::Clock;

const START: Micros = Micros(1_800_000_000_000_000);

fn tenant() -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(
        0x01a0_0000_0000_7000_8000_0000_0000_0001,
    ))
}

fn staff() -> Context {
    let mut claims = Claims::new(tenant(), "anna@desk", PrincipalKind::Staff);
    claims.roles = vec!["agent".into()];
    claims.scopes = vec!["profiles.read".into()];
    claims.token_expires = Some(Micros(START.0 + 5_000_000));
    claims.into()
}

fn resign(
    key: &SigningKey,
    mutate: impl Fn(&mut serde_json::Value),
    of: &HeaderValue,
) -> HeaderValue {
    let text = of.to_str().unwrap();
    let claims = text.split('.').nth(1).unwrap();
    let mut value: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    mutate(&mut value);
    let mut text = format!("{}.{}", key.id, URL_SAFE_NO_PAD.encode(value.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(key.pair.sign(text.as_bytes()));
    text.push('.');
    text.push_str(&signature);
    HeaderValue::try_from(text).unwrap()
}

#[test]
fn what_the_gateway_signs_arrives_unchanged_at_its_audience_only() {
    let clock = Clock::manual(START);
    let keys = KeySet::ephemeral().unwrap();
    let header = keys
        .signer(Role::Gateway, &clock)
        .unwrap()
        .header_for(&staff(), Role::Profiles);

    let seen = keys.verifier(Role::Profiles, &clock).verify(&header);
    assert_eq!(seen, Ok(staff()));
    let other = keys.verifier(Role::Loyalty, &clock).verify(&header);
    assert_eq!(other, Err(Refused::WrongAudience));
}

#[test]
fn a_context_is_signed_once_until_it_grows_old_and_dies_after_its_minute() {
    let clock = Clock::manual(START);
    let keys = KeySet::ephemeral().unwrap();
    let signer = keys.signer(Role::Gateway, &clock).unwrap();
    let verifier = keys.verifier(Role::Profiles, &clock);

    let first = signer.header_for(&staff(), Role::Profiles);
    assert_eq!(signer.header_for(&staff(), Role::Profiles), first);
    assert_eq!(verifier.verify(&first), Ok(staff()));

    clock.set(Micros(START.0 + 41_000_000));
    assert_ne!(signer.header_for(&staff(), Role::Profiles), first);
    assert_eq!(verifier.verify(&first), Ok(staff()));

    // A replay after the minute is refused, whether the verifier had seen it before or not.
    clock.set(Micros(START.0 + 66_000_000));
    assert_eq!(verifier.verify(&first), Err(Refused::Expired));
    let fresh = keys.verifier(Role::Profiles, &clock);
    assert_eq!(fresh.verify(&first), Err(Refused::Expired));
}

#[test]
fn a_service_speaks_for_itself_and_for_nobody_else() {
    let clock = Clock::manual(START);
    let keys = KeySet::ephemeral().unwrap();
    let routing = keys.signer(Role::Routing, &clock).unwrap();
    let verifier = keys.verifier(Role::Profiles, &clock);

    let own = routing.service_context(tenant(), Some("anna@desk"));
    let seen = verifier
        .verify(&routing.header_for(&own, Role::Profiles))
        .unwrap();
    assert_eq!(seen.principal, "svc_routing");
    assert_eq!(seen.originator(), "anna@desk");

    let forged = routing.header_for(&staff(), Role::Profiles);
    assert_eq!(verifier.verify(&forged), Err(Refused::ForeignPrincipal));

    // Not even the gateway's key passes for a service: its callers are never services.
    let gateway = keys.signer(Role::Gateway, &clock).unwrap();
    let forged = gateway.header_for(&own, Role::Profiles);
    assert_eq!(verifier.verify(&forged), Err(Refused::ForeignPrincipal));
}

#[test]
fn a_context_that_was_touched_or_holds_an_unknown_field_is_refused() {
    let clock = Clock::manual(START);
    let keys = KeySet::ephemeral().unwrap();
    let signer = keys.signer(Role::Gateway, &clock).unwrap();
    let verifier = keys.verifier(Role::Profiles, &clock);
    let header = signer.header_for(&staff(), Role::Profiles);

    let stranger = SigningKey::generate("gateway").unwrap();
    let known = SigningKey::generate("gateway").unwrap();
    let mut trusted = TrustedKeys::default();
    trusted.add(known.trusted());
    let own = Verifier::new(trusted, Role::Profiles, clock.clone());
    let cases = [
        (resign(&known, |_| (), &header), Ok(staff())),
        (resign(&stranger, |_| (), &header), Err(Refused::UnknownKey)),
        (
            resign(&known, |value| value["admin"] = true.into(), &header),
            Err(Refused::Malformed),
        ),
        (
            resign(&known, |value| value["expires"] = i64::MAX.into(), &header),
            Err(Refused::ImpossibleDates),
        ),
        (
            resign(
                &known,
                |value| value["issued"] = (START.0 + 9_000_000).into(),
                &header,
            ),
            Err(Refused::ImpossibleDates),
        ),
        (HeaderValue::from_static("a.b"), Err(Refused::Malformed)),
        (HeaderValue::from_static(""), Err(Refused::Malformed)),
    ];
    for (header, expected) in cases {
        assert_eq!(own.verify(&header), expected);
    }

    let mut touched = header.to_str().unwrap().to_owned();
    let at = touched.find('.').unwrap() + 5;
    let other = if touched.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    touched.replace_range(at..=at, other);
    let touched = HeaderValue::try_from(touched).unwrap();
    assert_eq!(verifier.verify(&touched), Err(Refused::BadSignature));
}

#[test]
fn keys_written_to_a_directory_serve_roles_that_run_apart() {
    let clock = Clock::manual(START);
    let directory = std::env::temp_dir().join(format!("rapport-keys-{}", uuid::Uuid::now_v7()));
    KeySet::ephemeral().unwrap().write_dir(&directory).unwrap();

    let read = |role: Role| {
        let private = directory.join(format!("private/{}.pem", role.service_principal()));
        KeySet::read(role, &private, &directory.join("public")).unwrap()
    };
    let gateway = read(Role::Gateway).signer(Role::Gateway, &clock).unwrap();
    let profiles = read(Role::Profiles);
    let header = gateway.header_for(&staff(), Role::Profiles);
    assert_eq!(
        profiles.verifier(Role::Profiles, &clock).verify(&header),
        Ok(staff())
    );
    assert!(matches!(
        profiles.signer(Role::Gateway, &clock),
        Err(KeyError::NotHeld(Role::Gateway))
    ));
    std::fs::remove_dir_all(&directory).unwrap();
}
