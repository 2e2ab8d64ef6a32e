//! Serving a guarded service over TCP.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tower::Service;

use super::connections::Connections;
use super::{Guarded, Readiness};
use crate::tls::{RELOAD_EVERY, ServerFiles, ServerTls, TlsError};

/// Where a service listens, when it runs apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// Address and port; port 0 takes a free one. Not public: only the gateway and neighbours call.
    pub address: SocketAddr,
    /// Certificate, key, client authority and who may call. Unset: plaintext, for a network that is private or meshed.
    pub tls: Option<ServiceTls>,
    /// Streams open at a time on one connection. High, because the gateway brings all its callers' streams
    /// over one.
    pub max_streams: u32,
    /// Connections at a time; more are closed at once. Every gateway and every neighbour needs a few.
    pub max_connections: usize,
    /// How long a new connection may take to finish TLS and to say its first word, in milliseconds.
    pub handshake_ms: u64,
    /// After how long a connection is asked to go elsewhere, in milliseconds, a tenth more or less by chance: after a
    /// scale-up, calls reach the new replicas, and new certificates come into use. Its calls are finished.
    pub connection_age_ms: u64,
    /// How long the calls of such a connection may still take, in milliseconds. Above the longest life of a stream.
    pub connection_grace_ms: u64,
}

impl Default for ListenConfig {
    fn default() -> Self {
        ListenConfig {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            max_streams: 65_536,
            max_connections: 4_096,
            handshake_ms: 10_000,
            connection_age_ms: 300_000,
            connection_grace_ms: 2_400_000,
        }
    }
}

/// PEM files for TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
    /// The authority of the clients' certificates; when set, a client without one is refused.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

/// PEM files for TLS between services, and who may call. All files are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTls {
    /// The certificate chain.
    pub certificate_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
    /// The authority of the callers' certificates; when set, a caller without one is refused.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// The SPIFFE ids of which a caller's certificate must bear one, such as `spiffe://example.com/gateway`. Empty:
    /// whoever the authority vouches for.
    #[serde(default)]
    pub peers: Vec<String>,
}

/// Why a service cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A TLS file cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Serves a guarded service and its health until `shutdown`, then finishes the calls that run. It may
/// take as long as its slowest peer: the caller bounds it ([`run`](super::run) does).
///
/// # Errors
/// When the TLS files cannot be used.
pub async fn serve(
    listener: TcpListener,
    config: &ListenConfig,
    service: Guarded,
    readiness: &Readiness,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let tls = config.tls.as_ref().map(server_tls).transpose()?;
    let public = WithHealth {
        service,
        health: readiness.server(),
    };
    let connections = Connections {
        config: config.clone(),
        tls: tls.clone(),
        service: public,
        shutdown: shutdown.clone(),
    };
    let accepting = Arc::new(connections).accept(listener);
    match tls {
        None => accepting.await,
        Some(tls) => {
            tokio::join!(accepting, tls.keep_fresh(RELOAD_EVERY, shutdown));
        }
    }
    Ok(())
}

fn server_tls(files: &ServiceTls) -> Result<ServerTls, TlsError> {
    if !files.peers.is_empty() && files.client_ca_file.is_none() {
        return Err(TlsError {
            path: files.certificate_file.clone(),
            problem: "`peers` are named, so `client_ca_file` is needed".into(),
        });
    }
    ServerTls::open(ServerFiles {
        certificate: files.certificate_file.clone(),
        key: files.key_file.clone(),
        client_ca: files.client_ca_file.clone(),
        client_optional: false,
        peers: files.peers.clone(),
        alpn: vec![b"h2".to_vec()],
    })
}

/// Health stands beside the guard: a probe has no signed context.
#[derive(Clone)]
pub(super) struct WithHealth {
    service: Guarded,
    health: HealthServer<HealthService>,
}

impl Service<Request<Body>> for WithHealth {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path().starts_with("/grpc.health.v1.Health/") {
            return Box::pin(self.health.call(request));
        }
        Box::pin(self.service.call(request))
    }
}
