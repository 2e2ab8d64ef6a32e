//! Tokens as an identity provider would issue them: ES256 by a key set in a file.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};

/// The issuer of the tests' tokens.
pub(crate) const ISSUER: &str = "https://identity.test";
/// The audience the gateway is known by.
pub(crate) const AUDIENCE: &str = "rapport";
const KEY_ID: &str = "test-key";

/// Who a token is for.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// `ten_…`.
    pub tenant: String,
    /// The subject.
    pub subject: String,
    /// Roles, such as `supervisor`.
    pub roles: Vec<String>,
    /// Scopes, such as `profiles.read`.
    pub scopes: Vec<String>,
    /// The connector, for connectors.
    pub connector: Option<String>,
}

/// An identity provider.
#[derive(Debug, Clone)]
pub struct Credentials {
    key: Arc<Vec<u8>>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self::new()
    }
}

impl Credentials {
    /// A provider with a key of its own.
    ///
    /// # Panics
    /// When the machine has no randomness.
    pub fn new() -> Self {
        let _ = jsonwebtoken::crypto::CryptoProvider::install_default(
            &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER,
        );
        let key =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self {
            key: Arc::new(key.expect("randomness").as_ref().to_vec()),
        }
    }

    /// Writes the public half as a JWKS file.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_jwks(&self, file: &Path) {
        let mut jwk =
            Jwk::from_encoding_key(&self.signing(), Algorithm::ES256).expect("a P-256 key");
        jwk.common.key_id = Some(KEY_ID.to_owned());
        let set = serde_json::to_string(&JwkSet { keys: vec![jwk] }).expect("keys are JSON");
        std::fs::write(file, set).expect("a writable folder");
    }

    /// A token good for an hour.
    pub fn token(&self, who: &Who) -> String {
        self.token_with(who, &BTreeMap::new())
    }

    /// A token with claims set or, by null, left out.
    ///
    /// # Panics
    /// Never with claims that are JSON.
    pub fn token_with(&self, who: &Who, claims: &BTreeMap<&str, Value>) -> String {
        let now = chrono::Utc::now().timestamp();
        let mut body = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": who.subject, "iat": now, "exp": now + 3600,
            "tenant": who.tenant, "roles": who.roles, "scope": who.scopes.join(" "),
        });
        if let Some(connector) = &who.connector {
            body["connector"] = json!(connector);
        }
        for (claim, value) in claims {
            body[*claim] = value.clone();
        }
        if let Value::Object(body) = &mut body {
            body.retain(|_, value| !value.is_null());
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(KEY_ID.to_owned());
        jsonwebtoken::encode(&header, &body, &self.signing()).expect("claims are JSON")
    }

    fn signing(&self) -> EncodingKey {
        EncodingKey::from_ec_der(&self.key)
    }
}
