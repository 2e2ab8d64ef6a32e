//! An identity provider with one ES256 key, in the forms that we and the peers read.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rapport_foundation::id::TenantId;
use serde_json::json;

use crate::error::Error;

pub(super) const ISSUER: &str = "https://idp.test";
pub(super) const AUDIENCE: &str = "rapport";
const KEY_ID: &str = "k1";
const LIFETIME: Duration = Duration::from_secs(3600);

pub(super) struct Issuer {
    key: EncodingKey,
    jwks: String,
    public_pem: String,
}

impl Issuer {
    pub(super) fn new() -> Result<Self, Error> {
        let failed = |what: &str| Error::Bench(format!("the key of the issuer: {what}"));
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| failed("cannot be made"))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())
            .map_err(|_| failed("cannot be read"))?;
        let public: PublicKeyX509Der<'_> = pair
            .public_key()
            .as_der()
            .map_err(|_| failed("cannot be written"))?;
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)
            .map_err(|error| failed(&error.to_string()))?;
        jwk.common.key_id = Some(KEY_ID.into());
        let jwks = serde_json::to_string(&JwkSet { keys: vec![jwk] })
            .map_err(|error| failed(&error.to_string()))?;
        let encoded = STANDARD.encode(public.as_ref());
        Ok(Issuer {
            key,
            jwks,
            public_pem: format!(
                "-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n"
            ),
        })
    }

    /// The set of its keys, as one line of JSON.
    pub(super) fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Writes `jwks.json` and `pub.pem`.
    pub(super) fn write(&self, dir: &Path) -> Result<(), Error> {
        for (name, text) in [("jwks.json", &self.jwks), ("pub.pem", &self.public_pem)] {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|source| Error::Io {
                what: path.display().to_string(),
                source,
            })?;
        }
        Ok(())
    }

    /// A token that is good for an hour.
    pub(super) fn token(
        &self,
        tenant: Option<TenantId>,
        subject: &str,
        role: &str,
    ) -> Result<String, Error> {
        self.sign(tenant, subject, role, None)
    }

    /// The same of a connector.
    pub(super) fn connector_token(&self, tenant: TenantId, name: &str) -> Result<String, Error> {
        self.sign(Some(tenant), name, "connector", Some(name))
    }

    fn sign(
        &self,
        tenant: Option<TenantId>,
        subject: &str,
        role: &str,
        connector: Option<&str>,
    ) -> Result<String, Error> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now.as_secs(),
            "exp": (now + LIFETIME).as_secs(),
            "roles": [role],
        });
        if let (Some(tenant), Some(claims)) = (tenant, claims.as_object_mut()) {
            claims.insert("tenant".into(), json!(tenant.to_string()));
        }
        if let (Some(connector), Some(claims)) = (connector, claims.as_object_mut()) {
            claims.insert("connector".into(), json!(connector));
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(KEY_ID.into());
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map_err(|error| Error::Token(error.to_string()))
    }
}
