//! The connections of a service: accepted, bounded, and ended without losing a call.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tower::ServiceExt as _;

use super::listen::{ListenConfig, WithHealth};
use crate::tls::ServerTls;

/// Not bounded for the connection, which carries everybody's calls, but for each stream of it: one upload that is not
/// read must not stop the others.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const HEADER_BYTES: u32 = 32 * 1024;
/// A peer that vanished without a word is noticed within 30 s.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_PATIENCE: Duration = Duration::from_secs(10);
/// How long to rest when the system gives no more connections: without it the loop would spin.
const REST: Duration = Duration::from_millis(50);

/// What accepts connections.
pub(super) struct Connections {
    pub(super) config: ListenConfig,
    pub(super) tls: Option<ServerTls>,
    pub(super) service: WithHealth,
    pub(super) shutdown: CancellationToken,
}

impl Connections {
    /// Accepts until shutdown, then lets every connection finish its calls.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let most = self.config.max_connections.min(Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(most));
        let open = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => match Arc::clone(&slots).try_acquire_owned() {
                    Ok(slot) => {
                        open.spawn(Arc::clone(&self).serve(stream, slot));
                    }
                    Err(_) => tracing::warn!("a connection was refused: there are too many"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        drop(listener);
        open.close();
        open.wait().await;
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, _slot: OwnedSemaphorePermit) {
        // Without it each unary call waits 40 ms for a delayed acknowledgement.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let patience = Duration::from_millis(self.config.handshake_ms);
        let first = tokio::time::timeout(patience, self.open(stream));
        let opened = tokio::select! {
            opened = first => opened,
            () = self.shutdown.cancelled() => return,
        };
        match opened {
            Ok(Some(Stream::Plain(stream))) => self.speak(stream).await,
            Ok(Some(Stream::Tls(stream))) => self.speak(*stream).await,
            // Nothing was said in time, or nothing we speak, or by nobody we let in.
            Ok(None) | Err(_) => (),
        }
    }

    /// The connection once its peer has said something, TLS done.
    async fn open(&self, stream: TcpStream) -> Option<Stream> {
        let Some(tls) = &self.tls else {
            let said = stream.peek(&mut [0]).await.ok()?;
            return (said > 0).then_some(Stream::Plain(stream));
        };
        let accepted = TlsAcceptor::from(tls.current()).accept(stream).await;
        match accepted {
            Ok(stream) => Some(Stream::Tls(Box::new(stream))),
            Err(error) => {
                tracing::warn!(%error, "a peer was not let in");
                None
            }
        }
    }

    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = self.service.clone();
        let service = service_fn(move |request| answer(service.clone(), request));
        let http = self.http();
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        let by_age = tokio::select! {
            ended = connection.as_mut() => return told(ended),
            () = self.shutdown.cancelled() => false,
            () = tokio::time::sleep(self.age()) => true,
        };
        // GOAWAY: no new calls, those that run are finished.
        connection.as_mut().graceful_shutdown();
        if !by_age {
            // Whoever drains bounds the time.
            return told(connection.await);
        }
        let grace = Duration::from_millis(self.config.connection_grace_ms);
        match tokio::time::timeout(grace, connection).await {
            Ok(ended) => told(ended),
            Err(_) => tracing::warn!("a connection outlived its grace and was cut"),
        }
    }

    /// How old a connection may become: a tenth more or less than configured.
    fn age(&self) -> Duration {
        let chance = f64::from(rand::random::<u32>()) / f64::from(u32::MAX);
        Duration::from_millis(self.config.connection_age_ms).mul_f64(0.9 + chance / 5.0)
    }

    fn http(&self) -> http2::Builder<TokioExecutor> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.config.max_streams)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .max_header_list_size(HEADER_BYTES)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE);
        builder
    }
}

async fn answer(
    service: WithHealth,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    service.oneshot(request.map(Body::new)).await
}

fn told(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended in disorder");
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}
