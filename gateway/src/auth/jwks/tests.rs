#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use futures::FutureExt as _;
use serde_json::{Value, json};

use super::*;

/// An elliptic key, unless something else is said of it.
fn jwk(kid: Option<&str>, changes: Value) -> Value {
    // RFC 7517, A.1
    let mut jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let members = jwk.as_object_mut().unwrap();
    if let Some(kid) = kid {
        members.insert("kid".into(), kid.into());
    }
    members.extend(changes.as_object().unwrap().clone());
    jwk
}

fn read(keys: &[Value]) -> Result<Vec<Arc<Key>>, String> {
    parse(json!({ "keys": keys }).to_string().as_bytes())
}

#[test]
fn of_a_set_the_keys_are_taken_that_sign_by_an_algorithm_of_ours() {
    let rsa = json!({"kty": "RSA", "n": "AAAA", "e": "AQAB"});
    let octets = json!({
        "kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHuRHo",
    });
    let with = |key: &Value, name: &str, value: &str| {
        let mut key = key.clone();
        key[name] = value.into();
        key
    };
    let elliptic = jwk(None, json!({}));
    for (key, algorithm) in [
        (elliptic.clone(), Some("ES256")),
        (with(&elliptic, "use", "sig"), Some("ES256")),
        (with(&elliptic, "use", "enc"), None),
        (with(&elliptic, "alg", "ES256"), Some("ES256")),
        (with(&elliptic, "alg", "ES384"), None),
        (with(&elliptic, "crv", "P-384"), None),
        (rsa.clone(), Some("RS256")),
        (with(&rsa, "alg", "RS256"), Some("RS256")),
        (with(&rsa, "alg", "PS256"), None),
        (octets.clone(), Some("EdDSA")),
        (with(&octets, "crv", "P-256"), None),
        (json!({"kty": "oct", "k": "AAAA"}), None),
    ] {
        let found = read(std::slice::from_ref(&key)).ok();
        let found = found.map(|keys| keys[0].algorithm_name);
        assert_eq!(found, algorithm, "{key}");
    }
    // One that is not ours is passed over, and takes no other with it.
    let both = read(&[with(&elliptic, "use", "enc"), rsa]).unwrap();
    assert_eq!(both.len(), 1);
    assert!(read(&[]).is_err());
}

fn name_of(found: Result<Arc<Key>, Rejected>) -> Result<Option<String>, Rejected> {
    found.map(|key| key.id.clone())
}

#[test]
fn a_key_is_found_by_its_name_and_one_without_a_name_only_by_tokens_that_name_none() {
    let ring = |names: &[Option<&str>]| {
        let keys: Vec<_> = names.iter().map(|name| jwk(*name, json!({}))).collect();
        KeyRing::with(read(&keys).unwrap())
    };
    let find = |ring: &KeyRing, id| name_of(ring.find(id, Protections::default()));
    let unknown = Err(Rejected::KeyUnknown);
    let two = ring(&[Some("a"), Some("b")]);
    assert_eq!(find(&two, Some("b")), Ok(Some("b".into())));
    assert_eq!(find(&two, Some("c")), unknown);
    assert_eq!(find(&two, None), unknown);
    let one = ring(&[Some("a")]);
    assert_eq!(find(&one, None), Ok(Some("a".into())));
    let nameless = ring(&[None]);
    assert_eq!(find(&nameless, None), Ok(None));
    assert_eq!(find(&nameless, Some("a")), unknown);
    let secret = KeyRing::of_secret(b"a secret");
    assert_eq!(find(&secret, None), Ok(None));
    assert_eq!(find(&secret, Some("any")), Ok(None));
}

#[test]
fn the_set_is_read_again_for_a_name_that_is_not_known_and_for_nothing_else() {
    let keys = ["a", "b"].map(|name| jwk(Some(name), json!({})));
    let ring = KeyRing::with(read(&keys).unwrap());
    let asks = |id| {
        drop(ring.find(id, Protections::default()));
        ring.0.unknown.notified().now_or_never().is_some()
    };
    assert!(!asks(Some("a")));
    assert!(!asks(None));
    assert!(asks(Some("c")));
}
