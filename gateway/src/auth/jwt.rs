//! The form and the signature of a JSON Web Token (RFC 7515, 7519, with RFC 8725 in mind).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Rejected;
use super::jwks::Key;
use crate::protection::{Protection, Protections};

/// A token that has the right form. Nothing in it is believed yet.
pub(super) struct Parsed<'a> {
    pub(super) header: Header,
    pub(super) claims: Members,
    signed: &'a str,
    signature: &'a str,
}

/// What of a token's header counts. `jwk`, `jku`, `x5u` and `x5c` do not: keys come from the settings.
#[derive(Deserialize)]
pub(super) struct Header {
    alg: String,
    pub(super) kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    crit: Option<Value>,
}

impl<'a> Parsed<'a> {
    pub(super) fn read(token: &'a str, protections: Protections) -> Result<Self, Rejected> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Rejected::Malformed)?;
        // Five parts would be an encrypted token.
        if claims.contains('.') || signature.is_empty() {
            return Err(Rejected::Malformed);
        }
        let header: Header = part(header)?;
        if header.crit.is_some() && protections.on(Protection::Critical) {
            return Err(Rejected::Critical);
        }
        let access = |typ: &str| {
            ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.to_ascii_lowercase().as_str())
        };
        let other = header.typ.as_deref().is_some_and(|typ| !access(typ)) || header.cty.is_some();
        if other && protections.on(Protection::TokenKind) {
            return Err(Rejected::NotAccessToken);
        }
        let claims: Members = part(claims)?;
        if claims.named_twice && protections.on(Protection::DuplicateMember) {
            return Err(Rejected::Malformed);
        }
        Ok(Parsed {
            header,
            claims,
            signed,
            signature,
        })
    }

    pub(super) fn issuer(&self) -> Result<&str, Rejected> {
        self.claims.text("iss").ok_or(Rejected::Claim("iss"))
    }

    /// Checks the signature with a key, by the key's own algorithm.
    pub(super) fn verify(&self, key: &Key, protections: Protections) -> Result<(), Rejected> {
        let foreign = self.header.alg != key.algorithm_name;
        if foreign && protections.on(Protection::AlgorithmPinned) {
            return Err(Rejected::AlgorithmForeign);
        }
        let fits = jsonwebtoken::crypto::verify(
            self.signature,
            self.signed.as_bytes(),
            &key.key,
            key.algorithm,
        );
        match fits {
            Ok(true) => Ok(()),
            _ if !protections.on(Protection::Signature) => Ok(()),
            Ok(false) | Err(_) => Err(Rejected::SignatureBad),
        }
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, Rejected> {
    // Strict: no padding, no stray bits, so that one token has one spelling.
    let json = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Rejected::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Rejected::Malformed)
}

/// The members of a JSON object. Of two members with one name, one reader takes the first and another the
/// last; such an object is refused.
pub(super) struct Members {
    by_name: BTreeMap<String, Value>,
    named_twice: bool,
}

impl Members {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.by_name.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members {
            by_name: BTreeMap::new(),
            named_twice: false,
        };
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            members.named_twice |= members.by_name.insert(name, value).is_some();
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, claims: &str, rest: &str) -> Result<(), Rejected> {
        let encoded = |text| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}{rest}", encoded(header), encoded(claims));
        Parsed::read(&token, Protections::default()).map(drop)
    }

    #[test]
    fn a_token_has_three_parts_and_none_is_empty() {
        let plain = r#"{"alg":"ES256"}"#;
        assert_eq!(read(plain, "{}", ".AA"), Ok(()));
        for rest in ["", ".", ".AA.", ".AA.AA", ".AA.AA.AA"] {
            assert_eq!(read(plain, "{}", rest), Err(Rejected::Malformed), "{rest}");
        }
        assert_eq!(read("", "{}", ".AA"), Err(Rejected::Malformed));
        assert_eq!(read(plain, "", ".AA"), Err(Rejected::Malformed));
    }

    #[test]
    fn an_access_token_says_so_or_nothing_and_holds_no_other() {
        for (header, expected) in [
            (r#"{"alg":"ES256","typ":"at+JWT"}"#, Ok(())),
            (r#"{"alg":"ES256","typ":"application/at+jwt"}"#, Ok(())),
            (
                r#"{"alg":"ES256","typ":"id+jwt"}"#,
                Err(Rejected::NotAccessToken),
            ),
            (
                r#"{"alg":"ES256","typ":"JWT","cty":"JWT"}"#,
                Err(Rejected::NotAccessToken),
            ),
            (r#"{"alg":"ES256","crit":["exp"]}"#, Err(Rejected::Critical)),
        ] {
            assert_eq!(read(header, "{}", ".AA"), expected, "{header}");
        }
    }

    #[test]
    fn claims_are_an_object_whose_members_are_named_once() {
        let plain = r#"{"alg":"ES256"}"#;
        for claims in [r#"["a"]"#, "7", r#"{"a":1,"b":2,"a":1}"#, r#"{"a":1"#] {
            assert_eq!(
                read(plain, claims, ".AA"),
                Err(Rejected::Malformed),
                "{claims}"
            );
        }
        let told = serde_json::from_str::<Members>("[]").err();
        let told = told.map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("a JSON object"), "{told}");
    }
}
