//! Section `gateway` of the configuration. Every limit is a setting, with its reason.

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderValue;
use rapport_foundation::http_client::HttpClientConfig;
use rapport_foundation::service::{MESSAGE_LIMIT_BYTES, TlsFiles};
use rapport_foundation::telemetry::AccessLog;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use crate::error::OpenError;
use crate::limits::{OverloadConfig, Quotas};

mod auth;

pub use auth::{Auth, CertificateGrant, Certificates, ClaimNames, Issuer};

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
    /// What callers may use.
    pub quotas: Quotas,
    /// When calls are shed.
    pub overload: OverloadConfig,
    /// Which calls are logged: `off`, `failures` of ours and refusals for lack of room, or `all`. A line names the method,
    /// code, duration, tenant and trace, never a person. Not all by default: the audit trail has those that count.
    pub access_log: AccessLog,
    /// How long calls may take.
    pub deadlines: Deadlines,
    /// Origins of web pages that may call from a browser, such as `https://desk.example.com`. None: no page may.
    pub origins: Vec<String>,
    /// Whether server reflection (v1 and v1alpha) answers those who hold the scope `access.reflect`: operators, managers,
    /// and whom they give it to. Off: the contract is published, and what need not be there cannot be misused.
    pub reflection: bool,
    /// How often tenants are read again, in milliseconds: what was suspended or revoked on another replica is
    /// shut out after at most this.
    pub tenant_refresh_ms: u64,
    /// How long tenants may not have been read before they count as stale, in milliseconds: what was revoked meanwhile is not
    /// known here. Longer than a database takes to fail over; about as long as the audit trail's queue holds out without one.
    pub tenant_stale_ms: u64,
    /// What becomes of calls then: `refuse` (UNAVAILABLE, and the process is not ready), or `serve` on what was known last. To
    /// refuse is what a revocation promises; to serve suits who would rather have calls answered. Either way the log says
    /// it, and the metric `rapport.access.age`.
    pub tenant_stale: WhenStale,
    /// How the audit trail is written.
    pub audit: Audit,
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
            quotas: Quotas::default(),
            overload: OverloadConfig::default(),
            access_log: AccessLog::default(),
            deadlines: Deadlines::default(),
            origins: Vec::new(),
            reflection: false,
            tenant_refresh_ms: 2_000,
            tenant_stale_ms: 300_000,
            tenant_stale: WhenStale::default(),
            audit: Audit::default(),
            http_client: HttpClientConfig::default(),
        }
    }
}

/// What becomes of calls while it is not known any more who may call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenStale {
    /// They are refused until it is known again.
    #[default]
    Refuse,
    /// They are served on what was known last.
    Serve,
}

/// The public listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate and key, PEM. Unset: plaintext HTTP/2, for this host or behind something that does TLS.
    pub tls: Option<TlsFiles>,
    /// Whether every connection begins with a PROXY header, version 2. Only where nobody but a balancer reaches this
    /// address: anybody else could say they were somebody else.
    pub proxy_protocol: bool,
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
            proxy_protocol: false,
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
    /// The longest that an API key may be good for, in days from when its end is said; a key whose end nobody says gets this
    /// one. 0: no longest, and a key may be for ever. A year and a day: a secret that nobody has looked at for a year is one
    /// that nobody would miss.
    pub key_days: u32,
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
            key_days: 366,
            roles: 200,
            bindings: 10_000,
            revocations: 10_000,
            write_seconds: 30,
        }
    }
}

impl AccessLimits {
    /// The longest that a key may be good for; None without a limit.
    pub(crate) fn longest_key(&self) -> Option<Duration> {
        let days = u64::from(self.key_days);
        (days > 0).then(|| Duration::from_secs(days * 86_400))
    }
}

/// What one connection or call may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at a time; more are closed at once, so that those that are open stay served.
    pub connections: usize,
    /// Connections at a time from one address (of IPv6: from one network of 64 bits). High, because a whole office or a
    /// balancer may stand behind one; a tenth of `connections` is a start where that is not so.
    pub connections_per_client: usize,
    /// Calls and streams at a time on one connection.
    pub streams_per_connection: u32,
    /// The largest block of request headers, in bytes.
    pub header_bytes: u32,
    /// Most request headers: each is looked at on the way.
    pub headers: u32,
    /// The longest path of a request with its query, in bytes; below the 8,192 of the common proxies.
    pub path_bytes: u32,
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
    /// Frames that carry nothing (PING, SETTINGS, WINDOW_UPDATE, RST_STREAM and others) taken from one connection in ten
    /// seconds, beside those that its calls and answers bring with them. Beyond it the connection is ended.
    pub control_frames: u32,
    /// How long a connection is kept on which nothing is called, in milliseconds.
    pub idle_ms: u64,
    /// How long answers may wait for a peer that does not read, in milliseconds, before its connection is ended.
    pub slow_reader_ms: u64,
    /// How old a connection may become, in milliseconds, give or take a tenth: then its calls move to another one, and
    /// with them the load to new replicas.
    pub connection_age_ms: u64,
    /// How long calls on a connection that is told to end may take, in milliseconds. Above the longest deadline.
    pub connection_grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 10_000,
            connections_per_client: 4_096,
            streams_per_connection: 256,
            header_bytes: 16 * 1024,
            headers: 128,
            path_bytes: 6 * 1024,
            message_bytes: 4 * 1024 * 1024,
            handshake_ms: 10_000,
            connection_window_bytes: 2 * 1024 * 1024,
            stream_window_bytes: 512 * 1024,
            keepalive_ms: 30_000,
            keepalive_timeout_ms: 10_000,
            control_frames: 100,
            idle_ms: 600_000,
            slow_reader_ms: 60_000,
            connection_age_ms: 1_800_000,
            connection_grace_ms: 65_000,
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

/// How the audit trail is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Audited calls that run or wait to be written, together. A call without a place is refused, so it must hold all
    /// open streams and some seconds of calls while the database is away; an entry takes about 500 bytes.
    pub queue: usize,
    /// Calls written in one transaction at most.
    pub batch: usize,
    /// How long to wait for more calls to write together, in milliseconds: what a kill of the process may lose of the
    /// trail, against what every single entry costs.
    pub gather_ms: u64,
    /// How often the ends of all chains are anchored, in milliseconds: what lies behind the last anchor could be cut off
    /// unseen.
    pub anchor_every_ms: u64,
    /// How long entries are kept, in days, counted from the anchor behind them; 0: for ever. At least 30, which the database
    /// itself insists on. A year is what PCI DSS asks for (10.5.1), and a month more lets a yearly audit see all of it; who must
    /// keep them longer says so. They name principals: without a need they are not kept. `rapport verify` goes by it, too: made
    /// longer, it tells for a while of what was removed under the shorter time.
    pub keep_days: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Audit {
            queue: 65_536,
            batch: 1_024,
            gather_ms: 20,
            anchor_every_ms: 60_000,
            keep_days: 400,
        }
    }
}

impl Audit {
    /// What was anchored before may be gone; None: nothing may.
    pub(crate) fn kept_since(&self, now: Micros) -> Option<Micros> {
        let days = i64::from(self.keep_days);
        (days > 0).then(|| Micros(now.0 - days * 86_400 * 1_000_000))
    }

    /// Whether the limits can be kept.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if !(1..=1_000_000).contains(&self.queue) {
            return Err(OpenError::setting(
                "audit.queue",
                "is not between 1 and 1,000,000",
            ));
        }
        if !(1..=4_096).contains(&self.batch) {
            return Err(OpenError::setting(
                "audit.batch",
                "is not between 1 and 4,096",
            ));
        }
        if self.gather_ms > 1_000 {
            return Err(OpenError::setting("audit.gather_ms", "is above 1,000"));
        }
        if !(100..=3_600_000).contains(&self.anchor_every_ms) {
            let problem = "is not between 100 and 3,600,000";
            return Err(OpenError::setting("audit.anchor_every_ms", problem));
        }
        if self.keep_days != 0 && !(30..=36_500).contains(&self.keep_days) {
            let problem = "is neither 0 nor between 30 and 36,500";
            return Err(OpenError::setting("audit.keep_days", problem));
        }
        Ok(())
    }
}

impl Config {
    /// Whether what is read often enough can be stale at all.
    pub(crate) fn check_stale(&self) -> Result<(), OpenError> {
        let least = self.tenant_refresh_ms.max(100).saturating_mul(3);
        if self.tenant_stale_ms < least {
            let problem = format!("is below {least}, three times of `tenant_refresh_ms`");
            return Err(OpenError::setting("tenant_stale_ms", problem));
        }
        Ok(())
    }

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
        for (key, value) in [
            ("connections_per_client", self.connections_per_client as u64),
            ("headers", self.headers.into()),
            ("path_bytes", self.path_bytes.into()),
            ("control_frames", self.control_frames.into()),
            ("idle_ms", self.idle_ms),
            ("slow_reader_ms", self.slow_reader_ms),
            ("connection_age_ms", self.connection_age_ms),
        ] {
            if value == 0 {
                let key = format!("limits.{key}");
                return Err(OpenError::setting(key, "lets nothing through"));
            }
        }
        Ok(())
    }
}
