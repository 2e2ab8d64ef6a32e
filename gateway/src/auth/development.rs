//! Tokens for development and demonstrations, signed with a shared secret.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use serde::Serialize;

/// The `iss` of such tokens. Their secret is accepted for this issuer only.
pub const ISSUER: &str = "rapport-development";

/// Their `aud`.
pub const AUDIENCE: &str = "rapport";

/// The shortest secret that is accepted: as long as the signature.
pub const SHORTEST_SECRET_BYTES: usize = 32;

/// What a development token says.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// Whose data; none for an operator outside any tenant.
    pub tenant: Option<TenantId>,
    /// Who.
    pub subject: String,
    /// Roles, as `agent`.
    pub roles: Vec<String>,
    /// Scopes, as `profiles.read`.
    pub scopes: Vec<String>,
    /// The connector's name, for a connector.
    pub connector: Option<String>,
    /// How long the token is good for, in seconds.
    pub lifetime_seconds: u32,
}

#[derive(Serialize)]
struct Token<'a> {
    iss: &'static str,
    aud: &'static str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    roles: &'a [String],
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<&'a str>,
}

/// Signs a token.
///
/// # Errors
/// When the signature cannot be made, which does not happen with a secret that [`Authenticator`](super::Authenticator) accepts.
pub fn token(
    secret: &str,
    grant: &Grant,
    now: Micros,
) -> Result<String, jsonwebtoken::errors::Error> {
    let iat = now.0.div_euclid(1_000_000);
    let claims = Token {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: &grant.subject,
        iat,
        exp: iat + i64::from(grant.lifetime_seconds),
        tenant: grant.tenant,
        roles: &grant.roles,
        scope: grant.scopes.join(" "),
        connector: grant.connector.as_deref(),
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
}
