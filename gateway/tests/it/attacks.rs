//! Credentials that must not pass, in one table: S1 to S12 and S17. Every refusal looks the same.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::AlgorithmParameters;
use rapport_foundation::id::TenantId;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Plan};
use crate::tokens::{Key, hs256, signed_part, with};
use crate::upstream::UNARY;

#[tokio::test]
async fn honest_tokens_of_every_accepted_algorithm_pass() {
    let keys = vec![Key::es256("e"), Key::eddsa("d"), Key::rs256("r")];
    let tokens = |fixture: &Fixture, keys: &[Key]| {
        keys.iter()
            .map(|key| key.token(&fixture.claims()))
            .collect::<Vec<_>>()
    };
    let others = [Key::es256("e"), Key::eddsa("d"), Key::rs256("r")];
    let copies: Vec<Key> = keys
        .iter()
        .map(|key| Key {
            id: key.id.clone(),
            algorithm: key.algorithm,
            signing: key.signing.clone(),
        })
        .collect();
    let fixture = Plan {
        keys,
        ..Plan::default()
    }
    .open()
    .await;
    for token in tokens(&fixture, &copies) {
        assert_eq!(fixture.code(&token).await, "0", "{token}");
        assert_eq!(fixture.code(&token).await, "0", "from the cache");
    }
    for token in tokens(&fixture, &others) {
        assert_eq!(fixture.code(&token).await, "16", "the same ids, other keys");
    }
}

#[tokio::test]
async fn what_is_not_one_bearer_token_is_refused() {
    let fixture = Fixture::open().await;
    let good = format!("Bearer {}", fixture.token());
    let long = format!("Bearer {}{}", fixture.token(), "A".repeat(8192));
    let cases: [&[(&str, &str)]; 10] = [
        &[],
        &[("authorization", "")],
        &[("authorization", "Basic x")],
        &[("authorization", &good), ("authorization", &good)],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Bearer a.b")],
        &[("authorization", "Bearer a.b.c.d.e")],
        &[("authorization", &long)],
        &[("authorization", "Bearer \u{e9}.\u{e9}.\u{e9}")],
    ];
    let mut texts = Vec::new();
    for headers in cases {
        let (status, answer) = fixture.answer(UNARY, headers).await;
        assert_eq!(status, 200);
        assert_eq!(answer.get("grpc-status").unwrap(), "16", "{headers:?}");
        texts.push(answer.get("grpc-message").unwrap().clone());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "one text for all");
    assert_eq!(fixture.upstream.calls(), 0);
    let (_, answer) = fixture
        .answer(
            UNARY,
            &[("authorization", &good.replace("Bearer", "bEARER"))],
        )
        .await;
    assert_eq!(
        answer.get("grpc-status").unwrap(),
        "0",
        "the scheme has no case"
    );
}

/// Headers and signatures: S2 to S8.
#[tokio::test]
async fn forged_headers_and_signatures_are_refused() {
    let fixture = Fixture::open().await;
    let key = &fixture.key;
    let claims = fixture.claims().to_string();
    let good = fixture.token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let header = |change: Value| {
        let mut header = key.header();
        header
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        header.to_string()
    };
    let AlgorithmParameters::EllipticCurve(point) = key.jwk().algorithm else {
        panic!("an elliptic key");
    };
    let x = URL_SAFE_NO_PAD.decode(&point.x).unwrap();
    let y = URL_SAFE_NO_PAD.decode(&point.y).unwrap();
    let mut der = vec![
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    der.extend([x.clone(), y].concat());
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let hs = header(json!({"alg": "HS256"}));
    let attacker = Key::es256("attacker");
    let unsigned = |alg: &str| format!("{}.", signed_part(&header(json!({"alg": alg})), &claims));
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();

    let mut cases = vec![
        ("S2 none", unsigned("none")),
        ("S2 None", unsigned("None")),
        ("S2 nOnE", unsigned("nOnE")),
        ("S2 no signature", format!("{signed}.")),
        (
            "S2 none with a signature",
            key.sign(&header(json!({"alg": "none"})), &claims),
        ),
        ("S3 HMAC with the PEM", hs256(pem.as_bytes(), &hs, &claims)),
        ("S3 HMAC with the DER", hs256(&der, &hs, &claims)),
        ("S3 HMAC with x", hs256(&x, &hs, &claims)),
        (
            "S3 HMAC with the set",
            hs256(crate::tokens::set(&[key]).as_bytes(), &hs, &claims),
        ),
        (
            "S4 RS256 with the EC key",
            key.sign(&header(json!({"alg": "RS256"})), &claims),
        ),
        (
            "S4 ES384",
            key.sign(&header(json!({"alg": "ES384"})), &claims),
        ),
        (
            "S4 lower case",
            key.sign(&header(json!({"alg": "es256"})), &claims),
        ),
        (
            "S5 unknown kid",
            key.sign(&header(json!({"kid": "nobody"})), &claims),
        ),
        (
            "S5 a path",
            key.sign(&header(json!({"kid": "../../etc/passwd"})), &claims),
        ),
        (
            "S5 SQL",
            key.sign(&header(json!({"kid": "' OR 1=1--"})), &claims),
        ),
        (
            "S5 4 KB",
            key.sign(&header(json!({"kid": "k".repeat(4096)})), &claims),
        ),
        (
            "S5 NUL",
            key.sign(&header(json!({"kid": "first\u{0}"})), &claims),
        ),
        ("S5 a number", key.sign(&header(json!({"kid": 1})), &claims)),
        (
            "S6 own jwk",
            attacker.sign(&header(json!({"jwk": attacker.jwk()})), &claims),
        ),
        (
            "S6 own jku",
            attacker.sign(&header(json!({"jku": "http://127.0.0.1:1/jwks"})), &claims),
        ),
        (
            "S6 own x5u",
            attacker.sign(&header(json!({"x5u": "http://127.0.0.1:1/x"})), &claims),
        ),
        (
            "S6 own x5c",
            attacker.sign(&header(json!({"x5c": ["MIIB"]})), &claims),
        ),
        (
            "S7 crit",
            key.sign(&header(json!({"crit": ["b64"], "b64": false})), &claims),
        ),
        (
            "S7 typ of another token",
            key.sign(&header(json!({"typ": "refresh+jwt"})), &claims),
        ),
        (
            "S7 nested",
            key.sign(&header(json!({"cty": "JWT"})), &claims),
        ),
        (
            "S7 header named twice",
            key.sign(r#"{"alg":"ES256","kid":"first","kid":"first"}"#, &claims),
        ),
        ("S7 JWE", format!("{good}.AAAA.AAAA")),
        (
            "S8 r = s = 0",
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        ),
        ("S8 padding", format!("{good}==")),
        (
            "S8 trailing bytes",
            format!(
                "{signed}.{}",
                URL_SAFE_NO_PAD.encode([raw.as_slice(), &[0]].concat())
            ),
        ),
        (
            "S8 standard alphabet",
            format!("{signed}.{}", STANDARD.encode(&raw)),
        ),
        (
            "S8 DER",
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(der_signature(&raw))),
        ),
        ("not JSON", key.sign(&header(json!({})), "claims")),
        ("not an object", key.sign(&header(json!({})), "[1]")),
    ];
    let duplicate = claims.replacen('{', r#"{"sub":"boris","#, 1);
    cases.push((
        "S7 claim named twice",
        key.sign(&header(json!({})), &duplicate),
    ));
    for (what, token) in cases {
        assert_eq!(fixture.code(&token).await, "16", "{what}");
    }
    assert_eq!(fixture.upstream.calls(), 0);
    let no_kid = key.sign(r#"{"alg":"ES256"}"#, &claims);
    assert_eq!(fixture.code(&no_kid).await, "0", "one key needs no name");
    let two = Plan {
        keys: vec![Key::es256("a"), Key::es256("b")],
        ..Plan::default()
    }
    .open()
    .await;
    let no_kid = two
        .key
        .sign(r#"{"alg":"ES256"}"#, &two.claims().to_string());
    assert_eq!(two.code(&no_kid).await, "16", "S5 no kid with two keys");
}

/// The same r and s, in the form other libraries use.
fn der_signature(raw: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let mut value = bytes.to_vec();
        if value[0] >= 0x80 {
            value.insert(0, 0);
        }
        let length = u8::try_from(value.len()).unwrap();
        [&[0x02, length][..], &value].concat()
    };
    let body = [integer(&raw[..32]), integer(&raw[32..])].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0x30, length][..], &body].concat()
}

/// What the claims say: S7 (typ) and S9 to S12.
#[tokio::test]
async fn claims_are_held_to_the_letter() {
    let fixture = Fixture::open().await;
    let now = fixture.now();
    let unknown = TenantId::new(fixture.clock.now()).to_string();
    let cases = [
        (
            "S9 another issuer",
            "iss",
            json!("https://evil.example.com/"),
            "16",
        ),
        ("S9 no issuer", "iss", Value::Null, "16"),
        (
            "S9 the development issuer",
            "iss",
            json!("rapport-development"),
            "16",
        ),
        ("S9 another audience", "aud", json!("somebody"), "16"),
        ("S9 no audience", "aud", Value::Null, "16"),
        (
            "S9 ours among others",
            "aud",
            json!(["somebody", "rapport-test"]),
            "0",
        ),
        ("S9 none of ours", "aud", json!(["somebody"]), "16"),
        ("S10 no subject", "sub", Value::Null, "16"),
        ("S10 an empty subject", "sub", json!(""), "16"),
        ("S10 a long subject", "sub", json!("s".repeat(256)), "16"),
        (
            "S10 the longest subject",
            "sub",
            json!("s".repeat(255)),
            "0",
        ),
        ("S10 a control character", "sub", json!("an\nna"), "16"),
        ("S10 any other subject", "sub", json!("auth0|7 ünï@x"), "0"),
        ("S10 no tenant", "tenant", Value::Null, "16"),
        ("S10 an unknown tenant", "tenant", json!(unknown), "16"),
        ("S10 no id", "tenant", json!("acme"), "16"),
        (
            "S10 a list of tenants",
            "tenant",
            json!([fixture.tenant]),
            "16",
        ),
        ("S10 nil", "tenant", json!(TenantId::nil()), "16"),
        ("S11 over for 31 s", "exp", json!(now - 31), "16"),
        ("S11 over for 29 s", "exp", json!(now - 29), "0"),
        ("S11 no end", "exp", Value::Null, "16"),
        ("S11 1e30", "exp", json!(1e30), "16"),
        ("S11 negative", "exp", json!(-1), "16"),
        ("S11 a text", "exp", json!((now + 60).to_string()), "16"),
        (
            "S11 with a fraction",
            "exp",
            json!(60.5 + f64::from(u32::try_from(now).unwrap())),
            "0",
        ),
        ("S12 begins in 31 s", "nbf", json!(now + 31), "16"),
        ("S12 begins in 29 s", "nbf", json!(now + 29), "0"),
        ("S12 issued in the future", "iat", json!(now + 31), "16"),
        (
            "S12 lives for 24 h and 1 s",
            "iat",
            json!(now + 3600 - 86_401),
            "16",
        ),
        ("S12 lives for 24 h", "iat", json!(now + 3600 - 86_400), "0"),
        ("S12 no issue time", "iat", Value::Null, "16"),
        ("S7 an id token", "typ", json!("ID"), "16"),
        ("S7 a refresh token", "typ", json!("Refresh"), "16"),
        ("a bearer token", "typ", json!("Bearer"), "0"),
        ("a service from outside", "kind", json!("service"), "16"),
        (
            "a connector without a name",
            "kind",
            json!("connector"),
            "16",
        ),
        (
            "roles that are no list",
            "roles",
            json!({"agent": true}),
            "16",
        ),
        ("a scope that is a number", "scope", json!(7), "16"),
    ];
    for (what, name, value, expected) in cases {
        let token = fixture.key.token(&with(fixture.claims(), name, value));
        assert_eq!(fixture.code(&token).await, expected, "{what}");
    }
}

#[tokio::test]
async fn the_development_secret_signs_for_its_own_issuer_only() {
    use rapport_foundation::config::Secret;
    use rapport_gateway::auth::development::{self, Grant};

    let secret = "0123456789abcdef0123456789abcdef";
    let mut plan = Plan::default();
    plan.config.auth.development_secret = Some(Secret::new(secret));
    let fixture = plan.open().await;
    let grant = Grant {
        tenant: Some(fixture.tenant),
        subject: "dev".into(),
        roles: vec!["agent".into()],
        lifetime_seconds: 60,
        ..Grant::default()
    };
    let token = development::token(secret, &grant, fixture.clock.now()).unwrap();
    assert_eq!(fixture.code(&token).await, "0");
    let other = development::token(&secret.replace('0', "1"), &grant, fixture.clock.now()).unwrap();
    assert_eq!(fixture.code(&other).await, "16");
    let claims = fixture.claims().to_string();
    let crossed = hs256(
        secret.as_bytes(),
        r#"{"alg":"HS256","kid":"first"}"#,
        &claims,
    );
    assert_eq!(
        fixture.code(&crossed).await,
        "16",
        "the provider's tokens are not signed with it"
    );
}

#[tokio::test]
async fn a_remembered_token_ends_at_its_time_and_with_its_tenant() {
    let fixture = Fixture::open().await;
    let token = fixture.token();
    assert_eq!(fixture.code(&token).await, "0");
    fixture
        .clock
        .advance(std::time::Duration::from_secs(3600 + 29));
    assert_eq!(fixture.code(&token).await, "0");
    fixture.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(fixture.code(&token).await, "16");
}

#[tokio::test]
async fn what_callers_say_about_themselves_in_headers_goes_no_further() {
    let fixture = Fixture::open().await;
    let bearer = format!("Bearer {}", fixture.token());
    let forged = [
        ("x-rapport-context", "a.b.c"),
        ("x-rapport-tenant", "ten_other"),
        ("x-rapport-sub-bin", "AAAA"),
        ("x-rapport-deadline-ms", "99999999"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host-bin", "AAAA"),
        ("forwarded", "for=10.0.0.1"),
        ("cookie", "session=1"),
        ("x-own-thing", "stays"),
        ("authorization", &bearer),
    ];
    let (_, answer) = fixture.answer(UNARY, &forged).await;
    assert_eq!(answer.get("grpc-status").unwrap(), "0");
    let seen = fixture.upstream.last();
    assert_eq!(seen.context.tenant, fixture.tenant);
    assert_eq!(seen.context.principal, "anna");
    assert!(seen.left.unwrap() <= std::time::Duration::from_secs(2));
    for (name, _) in forged {
        let there = seen.headers.contains_key(name);
        // The deadline is ours by then.
        assert_eq!(
            there,
            ["x-own-thing", "x-rapport-deadline-ms"].contains(&name),
            "{name}"
        );
    }
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-rapport-deadline-ms", "1"),
    ];
    let (_, answer) = fixture
        .answer(crate::upstream::SERVER_STREAM, &headers)
        .await;
    assert_eq!(answer.get("grpc-status").unwrap(), "0");
    assert_eq!(
        fixture.upstream.last().left,
        None,
        "a stream has no deadline, and none from outside"
    );
}
