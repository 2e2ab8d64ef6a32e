//! The one way to the outside over HTTP: key sets of identity providers, object storage, webhooks later.
//!
//! Addresses inside private networks are refused unless a setting allows them, and the check is made on
//! the address that is connected to, so that a name cannot lead around it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

mod address;
mod connector;

use connector::Connector;

/// Section `http_client` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpClientConfig {
    /// How long a whole exchange may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long a connection and its TLS handshake may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// The largest answer that is read, in bytes.
    pub response_limit_bytes: usize,
    /// Whether addresses of private networks, of this host and of link-local services may be called. Off:
    /// a URL from a tenant must not reach what only this network can reach.
    pub allow_private_addresses: bool,
    /// More authorities to trust for TLS, as a PEM file, beside those of the system.
    pub ca_file: Option<PathBuf>,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        HttpClientConfig {
            timeout_ms: 10_000,
            connect_timeout_ms: 3_000,
            response_limit_bytes: 1024 * 1024,
            allow_private_addresses: false,
            ca_file: None,
        }
    }
}

/// Why a call to the outside brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is no absolute `http` or `https` URL.
    #[error("`{0}` is no http or https URL")]
    Url(String),
    /// Every address of the host is private and none may be called.
    #[error("`{0}` leads to a private address, which is not allowed")]
    PrivateAddress(String),
    /// The name is unknown, nobody listens, or TLS failed.
    #[error("cannot connect to `{host}`: {source}")]
    Connect {
        /// The host.
        host: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The time was over.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than is read.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The exchange broke.
    #[error("the exchange failed: {0}")]
    Exchange(Box<dyn std::error::Error + Send + Sync>),
    /// The file of authorities cannot be used.
    #[error("http_client.ca_file: {0}")]
    Authorities(String),
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status. Redirections are not followed: they are a way around an allow-list.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, no larger than the setting allows.
    pub body: Bytes,
}

/// The client. Cheap to clone; connections are kept and shared.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<Connector, Empty<Bytes>>,
    timeout: Duration,
    limit: usize,
}

impl HttpClient {
    /// A client that trusts the system's authorities and those of the setting.
    ///
    /// # Errors
    /// When the file of authorities cannot be used.
    pub fn new(config: &HttpClientConfig) -> Result<Self, Error> {
        Ok(HttpClient {
            client: pool(config, 4)?,
            timeout: Duration::from_millis(config.timeout_ms),
            limit: config.response_limit_bytes,
        })
    }

    /// Fetches a URL.
    ///
    /// # Errors
    /// When there is no whole answer; a status other than 200 is an answer.
    pub async fn get(&self, url: &str) -> Result<Answer, Error> {
        let invalid = || Error::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid());
        }
        let request = Request::get(uri)
            .header(http::header::ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|_| invalid())?;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Timeout),
        }
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>) -> Result<Answer, Error> {
        let response = self.client.request(request).await.map_err(told)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.limit).collect().await;
        let body = body.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Error::TooLarge(self.limit)
            } else {
                Error::Exchange(error)
            }
        })?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}

fn pool<B>(config: &HttpClientConfig, idle: usize) -> Result<Client<Connector, B>, Error>
where
    B: Body + Send,
    B::Data: Send,
{
    let connector = Connector {
        tls: tls(config)?,
        allow_private: config.allow_private_addresses,
        timeout: Duration::from_millis(config.connect_timeout_ms),
    };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(idle)
        .build(connector))
}

/// The same connections for whoever speaks a protocol of its own over HTTP: requests with bodies, answers that are
/// read as they come. How long an exchange may take and how much is read of it is the caller's to bound.
pub struct Exchanges<B>(Client<Connector, B>);

impl<B> Exchanges<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Connections as the configuration says, of which so many to each host are kept while nothing is asked.
    ///
    /// # Errors
    /// When the file of authorities cannot be used.
    pub fn new(config: &HttpClientConfig, idle: usize) -> Result<Self, Error> {
        Ok(Self(pool(config, idle)?))
    }

    /// Sends a request and answers the head of its answer.
    ///
    /// # Errors
    /// When there is none; a status other than 200 is an answer.
    pub async fn send(&self, request: Request<B>) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await.map_err(told)
    }
}

impl<B> std::fmt::Debug for Exchanges<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchanges")
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpClient")
    }
}

/// Finds the connector's own error in what the pool makes of it.
fn told(error: hyper_util::client::legacy::Error) -> Error {
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<connector::Refused>() {
            return refused.told();
        }
        cause = inner.source();
    }
    Error::Exchange(Box::new(error))
}

fn tls(config: &HttpClientConfig) -> Result<Arc<rustls::ClientConfig>, Error> {
    let mut roots = rustls::RootCertStore::empty();
    // A host without a usable store can still be served by `ca_file`, so faults there are not fatal.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &config.ca_file {
        let wrong = |problem: String| Error::Authorities(format!("{}: {problem}", file.display()));
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(error.to_string()))?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(wrong("holds no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Authorities(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(tls))
}

#[cfg(test)]
mod tests;
