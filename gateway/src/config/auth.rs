//! Section `gateway.auth`.

use std::path::PathBuf;
use std::time::Duration;

use rapport_foundation::config::Secret;
use rapport_foundation::id::TenantId;
use serde::{Deserialize, Serialize};

use crate::error::OpenError;

/// Who is believed to be whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// The identity providers.
    pub issuers: Vec<Issuer>,
    /// Certificates of clients as credentials. Unset: a certificate opens the connection and names nobody.
    pub certificates: Option<Certificates>,
    /// A shared secret for tokens made by `rapport token` (HS256), at least 32 bytes. For development only:
    /// whoever checks such a token can also make one.
    pub development_secret: Option<Secret>,
    /// How far a provider's clock may differ, in seconds.
    pub leeway_seconds: u64,
    /// The longest time a token may be valid for, in seconds: a stolen one should not work for long.
    pub max_lifetime_seconds: u64,
    /// How often key sets are read again, in seconds.
    pub jwks_refresh_seconds: u64,
    /// The least time between two readings that unknown key ids cause, in seconds: a flood of made-up
    /// ids must not become a flood at the provider.
    pub jwks_floor_seconds: u64,
    /// How long the last good key set is used while the provider cannot be reached, in seconds.
    pub jwks_keep_seconds: u64,
    /// Most verified credentials remembered; about 500 bytes each.
    pub cached_tokens: u64,
    /// Credentials that turn out not to be valid, a second, from one client (an address; of IPv6 a network of 64 bits). Beyond
    /// it those that are not remembered are refused unread: to check one is work that nobody may have done without end.
    /// Good ones take nothing of it. Behind a balancer that does not say who comes (`listen.proxy_protocol`) everybody is one
    /// client.
    pub refused_per_second: u32,
    /// The same at once: a whole office may stand behind one address when its provider changes keys.
    pub refused_burst: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Auth {
            issuers: Vec::new(),
            certificates: None,
            development_secret: None,
            leeway_seconds: 30,
            max_lifetime_seconds: 24 * 3600,
            jwks_refresh_seconds: 300,
            jwks_floor_seconds: 30,
            jwks_keep_seconds: 3600,
            cached_tokens: 50_000,
            refused_per_second: 10,
            refused_burst: 200,
        }
    }
}

impl Auth {
    /// Whether the limits can be kept.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        for (key, value) in [
            ("refused_per_second", self.refused_per_second),
            ("refused_burst", self.refused_burst),
        ] {
            if !(1..=1_000_000).contains(&value) {
                let key = format!("auth.{key}");
                return Err(OpenError::setting(key, "is not between 1 and 1,000,000"));
            }
        }
        Ok(())
    }

    /// The longest that anything can be valid that was issued until now: how long a revocation is kept.
    pub(crate) fn longest(&self) -> Duration {
        let token = self
            .max_lifetime_seconds
            .saturating_add(self.leeway_seconds);
        let certificate = self.certificates.as_ref();
        let certificate = certificate.map_or(0, |certificates| certificates.max_lifetime_seconds);
        Duration::from_secs(token.max(certificate))
    }
}

/// Certificates of clients, verified against `listen.tls.client_ca_file`. A SPIFFE id names the principal:
/// `spiffe://<trust domain>/tenant/<ten_…>/connector/<name>`, or `system` instead of `connector`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// The one trust domain whose ids are believed.
    pub trust_domain: String,
    /// What they may do.
    #[serde(default)]
    pub grants: Vec<CertificateGrant>,
    /// The longest time a certificate may be valid for, in seconds. Revocations are kept for as long.
    #[serde(default = "ninety_days")]
    pub max_lifetime_seconds: u64,
}

fn ninety_days() -> u64 {
    90 * 86_400
}

/// What certificates may do whose path begins like this one. A tenant's roles come on top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateGrant {
    /// Such as `/tenant/*/connector/`; `*` stands for any one part.
    pub path: String,
    /// Scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// One identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The exact value of `iss`.
    pub issuer: String,
    /// Accepted values of `aud`; a token needs one of them.
    pub audiences: Vec<String>,
    /// A JWKS file; read again like a URL.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// A JWKS URL. Exactly one of file and URL is given.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The tenants whose principals it may name. None given: all of them, and operators of the installation: for the
    /// provider of whoever runs it, never for a tenant's own.
    #[serde(default)]
    pub tenants: Vec<TenantId>,
    /// Which claims say what.
    #[serde(default)]
    pub claims: ClaimNames,
}

/// The names under which a provider puts what the suite needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The tenant, `ten_…`.
    pub tenant: String,
    /// Scopes, as one string with spaces or as a list.
    pub scope: String,
    /// Roles, as a list.
    pub roles: String,
    /// The connector's name, for credentials of connectors.
    pub connector: String,
    /// The kind of principal: `staff`, `system`, `connector`, `customer` or `operator`.
    pub kind: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        ClaimNames {
            tenant: "tenant".into(),
            scope: "scope".into(),
            roles: "roles".into(),
            connector: "connector".into(),
            kind: "kind".into(),
        }
    }
}
