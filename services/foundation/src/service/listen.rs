//! Serving a guarded service over TCP.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tower::Service;

use super::{Guarded, Readiness};

/// Where a service listens, when it runs apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// Address and port; port 0 takes a free one. Not public: only the gateway and neighbours call.
    pub address: SocketAddr,
    /// Certificate, key and client authority. Unset: plaintext, for a network that is private or meshed.
    pub tls: Option<TlsFiles>,
    /// Streams open at a time on one connection. High, because the gateway brings all its callers' streams
    /// over one.
    pub max_streams: u32,
}

impl Default for ListenConfig {
    fn default() -> Self {
        ListenConfig {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            max_streams: 16_384,
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

/// Why a service cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A TLS file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The TLS settings or the server failed.
    #[error("the server failed: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// Serves a guarded service and its health until `shutdown`, then finishes the calls that run. It may
/// take as long as its slowest peer: the caller bounds it ([`run`](super::run) does).
///
/// # Errors
/// When the TLS files cannot be used or the listener breaks.
pub async fn serve(
    listener: TcpListener,
    config: &ListenConfig,
    service: Guarded,
    readiness: &Readiness,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let mut server = Server::builder()
        .initial_connection_window_size(4 * 1024 * 1024)
        .initial_stream_window_size(1024 * 1024)
        .max_concurrent_streams(config.max_streams)
        .http2_max_header_list_size(32 * 1024)
        // A peer that vanished without a word is noticed within 30 s.
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)));
    if let Some(files) = &config.tls {
        server = server.tls_config(server_tls(files)?)?;
    }
    // Without it each unary call waits 40 ms for a delayed acknowledgement.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let public = WithHealth {
        service,
        health: readiness.server(),
    };
    server
        .serve_with_incoming_shutdown(public, incoming, shutdown.cancelled_owned())
        .await?;
    Ok(())
}

fn server_tls(files: &TlsFiles) -> Result<ServerTlsConfig, ServeError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|source| ServeError::File {
            path: path.clone(),
            source,
        })
    };
    let identity = Identity::from_pem(read(&files.certificate_file)?, read(&files.key_file)?);
    let mut config = ServerTlsConfig::new().identity(identity);
    if let Some(file) = &files.client_ca_file {
        config = config.client_ca_root(Certificate::from_pem(read(file)?));
    }
    Ok(config)
}

/// Health stands beside the guard: a probe has no signed context.
#[derive(Clone)]
struct WithHealth {
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
