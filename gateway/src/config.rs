//! Section `gateway` of the configuration. Every limit is a setting, with its reason.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use rapport_foundation::config::Secret;
use rapport_foundation::http_client::HttpClientConfig;
use rapport_foundation::service::{MESSAGE_LIMIT_BYTES, TlsFiles};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use crate::error::OpenError;

/// The gateway's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The public listener.
    pub listen: Listen,
    /// Who is believed to be whom.
    pub auth: Auth,
    /// How much a tenant may say of its principals.
    pub access: AccessLimits,
    /// What one connection or call may take.
    pub limits: Limits,
    /// How long calls may take.
    pub deadlines: Deadlines,
    /// Origins of web pages that may call from a browser, such as `https://desk.example.com`. None: no page may.
    pub origins: Vec<String>,
    /// Whether server reflection answers callers with a valid token. Off: the contract is published, and
    /// what need not be there cannot be misused.
    pub reflection: bool,
    /// How often tenants are read again, in milliseconds: what was suspended or revoked on another replica is
    /// shut out after at most this.
    pub tenant_refresh_ms: u64,
    /// How key sets are fetched.
    pub http_client: HttpClientConfig,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: Listen::default(),
            auth: Auth::default(),
            access: AccessLimits::default(),
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            origins: Vec::new(),
            reflection: false,
            tenant_refresh_ms: 2_000,
            http_client: HttpClientConfig::default(),
        }
    }
}

/// The public listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate and key, PEM. Unset: plaintext HTTP/2, for this host or behind something that does TLS.
    pub tls: Option<TlsFiles>,
    /// Whether a client without a certificate is let in when `client_ca_file` is set: `required` or `optional`.
    /// Optional when some callers present certificates and others tokens.
    pub client_certificates: ClientCertificates,
    /// How often the TLS files are looked at, in seconds: renewed certificates are taken up without a restart.
    pub tls_reload_seconds: u64,
}

/// Whether clients must present a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// A client without one is refused in the handshake.
    #[default]
    Required,
    /// A client without one must present another credential.
    Optional,
}

impl Default for Listen {
    fn default() -> Self {
        Listen {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            client_certificates: ClientCertificates::default(),
            tls_reload_seconds: 10,
        }
    }
}

/// How much a tenant may say of its principals. All of it is held in memory by every replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessLimits {
    /// API keys of a tenant that are neither over nor revoked; about 500 bytes each.
    pub api_keys: u64,
    /// Roles of a tenant.
    pub roles: u64,
    /// Bindings of a tenant.
    pub bindings: u64,
    /// Revocations of a tenant in force. Who needs more revokes by principal, or for the whole tenant.
    pub revocations: u64,
    /// How often the last uses of keys are written and what is over is forgotten, in seconds.
    pub write_seconds: u64,
}

impl Default for AccessLimits {
    fn default() -> Self {
        AccessLimits {
            api_keys: 1_000,
            roles: 200,
            bindings: 10_000,
            revocations: 10_000,
            write_seconds: 30,
        }
    }
}

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
        }
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

/// What one connection or call may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at a time; more are closed at once, so that those that are open stay served.
    pub connections: usize,
    /// Calls and streams at a time on one connection.
    pub streams_per_connection: u32,
    /// The largest block of request headers, in bytes.
    pub header_bytes: u32,
    /// The largest message a caller may send, in bytes. Not above what the services read (4 MiB).
    pub message_bytes: u32,
    /// How long a new connection may take to finish TLS and to say its first word, in milliseconds.
    pub handshake_ms: u64,
    /// How much may be on the way to us on one connection before its sender waits, in bytes. Bounds memory:
    /// times `connections` is the worst case.
    pub connection_window_bytes: u32,
    /// The same for one stream, smaller, so that one slow stream does not hold up its neighbours.
    pub stream_window_bytes: u32,
    /// How often a silent peer is asked whether it still lives, in milliseconds.
    pub keepalive_ms: u64,
    /// How long its answer may take, in milliseconds.
    pub keepalive_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 10_000,
            streams_per_connection: 256,
            header_bytes: 16 * 1024,
            message_bytes: 4 * 1024 * 1024,
            handshake_ms: 10_000,
            connection_window_bytes: 2 * 1024 * 1024,
            stream_window_bytes: 512 * 1024,
            keepalive_ms: 30_000,
            keepalive_timeout_ms: 10_000,
        }
    }
}

/// How long calls may take. A method's policy names its class; streams have no total deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// For a call that states none, in milliseconds.
    pub default_ms: u64,
    /// The most an interactive call may ask for, in milliseconds: somebody waits.
    pub interactive_ms: u64,
    /// The most a bulk call may ask for, in milliseconds.
    pub bulk_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            default_ms: 2_000,
            interactive_ms: 10_000,
            bulk_ms: 60_000,
        }
    }
}

impl Auth {
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

impl Config {
    /// Whether certificates can name principals at all, if they are to.
    pub(crate) fn check_certificates(&self) -> Result<(), OpenError> {
        let tls = self.listen.tls.as_ref();
        let verified = tls.is_some_and(|tls| tls.client_ca_file.is_some());
        if self.auth.certificates.is_some() && !verified {
            let problem =
                "needs `listen.tls.client_ca_file`, which says whose certificates are believed";
            return Err(OpenError::setting("auth.certificates", problem));
        }
        Ok(())
    }

    /// The origins as they stand in headers.
    pub(crate) fn origins(&self) -> Result<Vec<HeaderValue>, OpenError> {
        let origin = |text: &String| {
            let url = Url::parse(text).ok().filter(|url| url.origin().is_tuple());
            // Browsers send exactly this and nothing behind it.
            url.filter(|url| url.origin().ascii_serialization() == *text)
                .and_then(|_| HeaderValue::from_str(text).ok())
                .ok_or_else(|| {
                    let problem =
                        format!("{text:?} is not an origin such as https://desk.example.com");
                    OpenError::setting("origins", problem)
                })
        };
        self.origins.iter().map(origin).collect()
    }
}

impl Limits {
    /// Whether the limits can be kept.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if self.message_bytes as usize > MESSAGE_LIMIT_BYTES {
            let problem =
                format!("is above {MESSAGE_LIMIT_BYTES}, which is what the services read");
            return Err(OpenError::setting("limits.message_bytes", problem));
        }
        if self.connections == 0 || self.connections > Semaphore::MAX_PERMITS {
            return Err(OpenError::setting("limits.connections", "is out of range"));
        }
        Ok(())
    }
}
