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
    pub(super) fn read(token: &'a str) -> Result<Self, Rejected> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Rejected::Malformed)?;
        // Five parts would be an encrypted token.
        if claims.contains('.') || signature.is_empty() {
            return Err(Rejected::Malformed);
        }
        let header: Header = part(header)?;
        if header.crit.is_some() {
            return Err(Rejected::Critical);
        }
        let access = |typ: &str| {
            ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.to_ascii_lowercase().as_str())
        };
        if header.typ.as_deref().is_some_and(|typ| !access(typ)) || header.cty.is_some() {
            return Err(Rejected::NotAccessToken);
        }
        Ok(Parsed {
            header,
            claims: part(claims)?,
            signed,
            signature,
        })
    }

    pub(super) fn issuer(&self) -> Result<&str, Rejected> {
        self.claims.text("iss").ok_or(Rejected::Claim("iss"))
    }

    /// Checks the signature with a key, by the key's own algorithm.
    pub(super) fn verify(&self, key: &Key) -> Result<(), Rejected> {
        if self.header.alg != key.algorithm_name {
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

/// The members of a JSON object, each named once. Of two members with one name, one reader takes the
/// first and another the last; such an object is refused.
pub(super) struct Members(BTreeMap<String, Value>);

impl Members {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
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
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(serde::de::Error::custom("a member is named twice"));
            }
        }
        Ok(Members(members))
    }
}
