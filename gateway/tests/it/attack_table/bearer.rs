//! Attacks by what a token says: S1 to S15.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use jsonwebtoken::jwk::AlgorithmParameters;
use rapport_foundation::context::Demand;
use rapport_foundation::id::TenantId;
use rapport_foundation::testing::eventually;
use rapport_gateway::Protection as P;
use serde_json::{Value, json};

use super::{Row, THROUGH, outcome};
use crate::fixture::{Fixture, Plan};
use crate::keys::Provider;
use crate::tokens::{Key, set, with};
use crate::upstream::{SERVER_STREAM, UNARY};

/// How long something must go on before it counts as not ended.
const A_WHILE: Duration = Duration::from_millis(500);

/// The code of a call with these headers.
async fn called(plan: Plan, headers: fn(&Fixture) -> Vec<String>) -> String {
    let fixture = plan.open().await;
    let headers = headers(&fixture);
    let headers: Vec<_> = headers
        .iter()
        .map(|value| ("authorization", value.as_str()))
        .collect();
    let (_, answer) = fixture.answer(UNARY, &headers).await;
    outcome(answer.get("grpc-status").unwrap().to_str().unwrap())
}

async fn with_token(plan: Plan, token: fn(&Fixture) -> String) -> String {
    let fixture = plan.open().await;
    outcome(&fixture.code(&token(&fixture)).await)
}

/// An honest token but for one claim.
fn claim(fixture: &Fixture, name: &str, value: Value) -> String {
    fixture.key.token(&with(fixture.claims(), name, value))
}

/// An honest token but for its header.
fn header(fixture: &Fixture, name: &str, value: Value) -> String {
    let header = with(fixture.key.header(), name, value);
    fixture
        .key
        .sign(&header.to_string(), &fixture.claims().to_string())
}

/// Signed by somebody else with an honest header, and one more parameter.
fn stranger(fixture: &Fixture, name: &str, value: Value) -> String {
    let header = with(fixture.key.header(), name, value);
    let claims = fixture.claims().to_string();
    Key::es256("stranger").sign(&header.to_string(), &claims)
}

fn unsigned(fixture: &Fixture, alg: &str) -> String {
    let token = header(fixture, "alg", json!(alg));
    let (signed, _) = token.rsplit_once('.').unwrap();
    // A signature of nothing is malformed; two letters are the shortest that is not.
    format!("{signed}.AA")
}

/// The public half of an RSA key as it is handed out (RFC 8017, A.1.1).
fn rsa_pem(key: &Key) -> String {
    let AlgorithmParameters::RSA(numbers) = key.jwk().algorithm else {
        panic!("an RSA key");
    };
    let tagged = |tag: u8, value: &[u8]| {
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, value].concat()
    };
    let integer = |text: &String| {
        let value = URL_SAFE_NO_PAD.decode(text).unwrap();
        tagged(0x02, &[&[0][..], &value].concat())
    };
    let numbers = [integer(&numbers.n), integer(&numbers.e)].concat();
    let body = STANDARD.encode(tagged(0x30, &numbers));
    format!("-----BEGIN RSA PUBLIC KEY-----\n{body}\n-----END RSA PUBLIC KEY-----\n")
}

async fn hmac_with_the_public_rsa_key(mut plan: Plan) -> String {
    plan.keys = vec![Key::rs256("first")];
    with_token(plan, |f| {
        let head = with(f.key.header(), "alg", json!("HS256")).to_string();
        crate::tokens::hs256(rsa_pem(&f.key).as_bytes(), &head, &f.claims().to_string())
    })
    .await
}

async fn key_set_flood(plan: Plan) -> String {
    let key = Key::es256("only");
    let provider = Provider::start(set(&[&key])).await;
    let fixture = provider.planned(key, plan).open().await;
    for at in 0..100 {
        let made_up = header(&fixture, "kid", json!(format!("made-up-{at}")));
        assert_eq!(fixture.code(&made_up).await, "16");
    }
    let asked_again = async {
        while provider.asked.load(Ordering::SeqCst) == 1 {
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(A_WHILE, asked_again).await {
        Ok(()) => THROUGH.to_owned(),
        Err(_) => "asked once".to_owned(),
    }
}

async fn rotated_key(mut plan: Plan) -> String {
    let (old, new) = (Key::es256("old"), Key::es256("new"));
    let provider = Provider::start(set(&[&old])).await;
    plan.config.auth.jwks_floor_seconds = 0;
    let fixture = provider.planned(old, plan).open().await;
    let (old_token, new_token) = (fixture.token(), new.token(&fixture.claims()));
    assert_eq!(fixture.code(&old_token).await, "0");
    provider.publish(Some(set(&[&new])));
    eventually("the new key is known", async || {
        (fixture.code(&new_token).await == "0").then_some(())
    })
    .await;
    outcome(&fixture.code(&old_token).await)
}

async fn remembered_token(plan: Plan) -> String {
    let fixture = plan.open().await;
    let token = fixture.token();
    assert_eq!(fixture.code(&token).await, "0");
    fixture.clock.advance(Duration::from_secs(3600 + 31));
    outcome(&fixture.code(&token).await)
}

async fn stream_beyond_its_token(plan: Plan) -> String {
    let fixture = plan.open().await;
    let client = fixture.client(&fixture.token()).await;
    let mut answers = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        answers.message().await.unwrap();
    }
    fixture.clock.advance(Duration::from_secs(3600 + 31));
    match tokio::time::timeout(A_WHILE, answers.message()).await {
        Err(_) => THROUGH.to_owned(),
        Ok(ended) => i32::from(ended.unwrap_err().code()).to_string(),
    }
}

async fn two_keys(mut plan: Plan) -> String {
    plan.keys.push(Key::es256("second"));
    with_token(plan, |f| header(f, "kid", Value::Null)).await
}

macro_rules! token {
    ($id:literal, $what:literal, [$($off:ident),+], $token:expr) => {
        Row::new($id, $what, &[$(P::$off),+], "16", |plan| -> LocalBoxFuture<'static, String> {
            with_token(plan, $token).boxed_local()
        })
    };
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = credentials();
    rows.extend(keys_and_kinds());
    rows.extend(claims());
    rows.extend(times());
    rows
}

fn credentials() -> Vec<Row> {
    vec![
        Row::new("S1", "two credentials", &[P::OneCredential], "16", |plan| {
            let twice = |f: &Fixture| vec![format!("Bearer {}", f.token()); 2];
            called(plan, twice).boxed_local()
        }),
        Row::new("S1", "another scheme", &[P::Scheme], "16", |plan| {
            called(plan, |f| vec![format!("Basic {}", f.token())]).boxed_local()
        }),
        token!("S1", "a token of more than 8 KB", [TokenLength], |f| {
            claim(f, "pad", json!("x".repeat(8 * 1024)))
        }),
        token!(
            "S2",
            "alg none",
            [AlgorithmPinned, Signature],
            |f| unsigned(f, "none")
        ),
        token!(
            "S2",
            "alg nOnE",
            [AlgorithmPinned, Signature],
            |f| unsigned(f, "nOnE")
        ),
        token!("S2", "none with a signature", [AlgorithmPinned], |f| {
            header(f, "alg", json!("none"))
        }),
        token!(
            "S3",
            "HS256 with the public key",
            [AlgorithmPinned, Signature],
            |f| {
                let head = with(f.key.header(), "alg", json!("HS256")).to_string();
                let public = set(&[&f.key]);
                crate::tokens::hs256(public.as_bytes(), &head, &f.claims().to_string())
            }
        ),
        Row::new(
            "S3",
            "HS256 with the public RSA key",
            &[P::AlgorithmPinned, P::Signature],
            "16",
            |plan| hmac_with_the_public_rsa_key(plan).boxed_local(),
        ),
        token!("S4", "RS256 for an elliptic key", [AlgorithmPinned], |f| {
            header(f, "alg", json!("RS256"))
        }),
    ]
}

fn keys_and_kinds() -> Vec<Row> {
    vec![
        token!("S5", "a kid that is a path", [KeyId], |f| {
            header(f, "kid", json!("../../etc/passwd"))
        }),
        token!("S5", "a kid that is a URL", [KeyId], |f| {
            header(f, "kid", json!("http://127.0.0.1:1/jwks"))
        }),
        token!("S5", "a kid that is SQL", [KeyId], |f| header(
            f,
            "kid",
            json!("' OR 1=1--")
        )),
        Row::new("S5", "no kid with two keys", &[P::KeyId], "16", |plan| {
            two_keys(plan).boxed_local()
        }),
        Row::new(
            "S5",
            "made-up kids without end",
            &[P::KeySetFloor],
            "asked once",
            |plan| key_set_flood(plan).boxed_local(),
        ),
        token!("S6", "an own jwk", [Signature], |f| {
            stranger(f, "jwk", json!(Key::es256("stranger").jwk()))
        }),
        token!("S6", "an own jku", [Signature], |f| {
            stranger(f, "jku", json!("http://127.0.0.1:1/jwks"))
        }),
        token!("S6", "an own x5u", [Signature], |f| {
            stranger(f, "x5u", json!("http://127.0.0.1:1/x"))
        }),
        token!("S7", "an unknown critical parameter", [Critical], |f| {
            header(f, "crit", json!(["b64"]))
        }),
        token!("S7", "typ of another token", [TokenKind], |f| {
            header(f, "typ", json!("refresh+jwt"))
        }),
        token!("S7", "a nested token", [TokenKind], |f| header(
            f,
            "cty",
            json!("JWT")
        )),
        token!("S7", "an id token", [TokenKind], |f| claim(
            f,
            "typ",
            json!("ID")
        )),
        token!("S7", "a claim named twice", [DuplicateMember], |f| {
            let claims = f.claims().to_string();
            let claims = claims.replacen('{', r#"{"sub":"boris","#, 1);
            f.key.sign(&f.key.header().to_string(), &claims)
        }),
        token!("S8", "r and s of zero", [Signature], |f| {
            let token = f.token();
            let (signed, _) = token.rsplit_once('.').unwrap();
            format!("{signed}.{}", "A".repeat(86))
        }),
    ]
}

fn claims() -> Vec<Row> {
    vec![
        token!("S9", "another issuer", [Issuer], |f| {
            claim(f, "iss", json!("https://evil.example.com/"))
        }),
        token!("S9", "another audience", [Audience], |f| claim(
            f,
            "aud",
            json!("somebody")
        )),
        token!("S9", "no audience", [Audience], |f| claim(
            f,
            "aud",
            Value::Null
        )),
        token!("S10", "no subject", [Subject], |f| claim(
            f,
            "sub",
            Value::Null
        )),
        token!("S10", "an endless subject", [Subject], |f| {
            claim(f, "sub", json!("s".repeat(256)))
        }),
        token!("S10", "no tenant", [TenantClaim, TenantRequired], |f| {
            claim(f, "tenant", Value::Null)
        }),
        token!("S10", "an unknown tenant", [TenantActive], |f| {
            claim(f, "tenant", json!(TenantId::new(f.clock.now()).to_string()))
        }),
        token!("S10", "a service from outside", [PrincipalKind], |f| {
            claim(f, "kind", json!("service"))
        })
        .behind(&[Demand::Principal]),
    ]
}

fn times() -> Vec<Row> {
    vec![
        token!("S11", "over", [Expiry], |f| claim(
            f,
            "exp",
            json!(f.now() - 31)
        )),
        token!("S11", "no end", [Expiry], |f| claim(f, "exp", Value::Null)),
        token!("S12", "not begun", [NotBefore], |f| claim(
            f,
            "nbf",
            json!(f.now() + 31)
        )),
        token!("S12", "issued in the future", [NotBefore], |f| {
            claim(f, "iat", json!(f.now() + 31))
        }),
        token!("S12", "issued at no time", [IssueTime], |f| claim(
            f,
            "iat",
            Value::Null
        )),
        token!("S12", "lives for more than a day", [Lifetime], |f| {
            claim(f, "iat", json!(f.now() + 3600 - 86_401))
        }),
        Row::new("S13", "over while remembered", &[P::Expiry], "16", |plan| {
            remembered_token(plan).boxed_local()
        }),
        Row::new(
            "S13",
            "over on an open stream",
            &[P::StreamExpiry],
            "16",
            |plan| stream_beyond_its_token(plan).boxed_local(),
        ),
        Row::new(
            "S15",
            "a key that is gone",
            &[P::KeyRotation],
            "16",
            |plan| rotated_key(plan).boxed_local(),
        ),
    ]
}
