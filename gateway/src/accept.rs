//! The public listener: TCP, TLS, HTTP/2 and HTTP/1.1 with their limits.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rapport_foundation::service::Task;
use rapport_foundation::tls::ServerTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

mod clients;
mod frames;
mod leftover;
mod life;
mod meter;
mod places;
mod proxied;
mod tls;

use crate::auth::PeerCertificate;
use crate::config::{Limits, Listen};
use crate::error::OpenError;
use crate::layers::Leaving;
use crate::protection::{Protection, Protections};
pub(crate) use clients::Client;
use places::OneFront;
pub(crate) use places::Places;

use clients::Clients;
use life::Life;
use meter::Metered;

/// How long to rest when the system gives no more connections: without it the loop would spin.
const REST: Duration = Duration::from_millis(50);
/// The smallest buffer that hyper reads HTTP/1.1 with, in bytes.
const LEAST_BUFFER: usize = 8 * 1024;
/// Headers that are read on HTTP/1.1, more than `limits.headers` should allow.
const HTTP1_HEADERS: usize = 512;
/// Streams of one connection that were opened and reset before they were looked at.
const RESETS_BEFORE_ACCEPTED: usize = 20;
/// A block of headers that no limit holds.
const MOST_HEADER_BYTES: u32 = 16 * 1024 * 1024;

/// What accepts connections.
pub(crate) struct Acceptor {
    places: Places,
    tls: Option<ServerTls>,
    limits: Limits,
    clients: Arc<Clients>,
    /// Whether a balancer says whose a connection is.
    proxied: bool,
    protections: Protections,
    shutdown: CancellationToken,
}

impl Acceptor {
    /// Reads the TLS files, and gives the task that keeps them fresh.
    pub(crate) fn new(
        places: Places,
        listen: &Listen,
        limits: Limits,
        protections: Protections,
        shutdown: CancellationToken,
    ) -> Result<(Self, Option<Task>), OpenError> {
        let (tls, task) = tls::open(listen, shutdown.clone())?.unzip();
        let most = match protections.on(Protection::ConnectionsPerClient) {
            true => limits.connections_per_client,
            false => usize::MAX,
        };
        let acceptor = Acceptor {
            places,
            tls,
            limits,
            clients: Clients::new(most),
            proxied: listen.proxy_protocol,
            protections,
            shutdown,
        };
        Ok((acceptor, task))
    }

    /// Accepts until shutdown, then lets every connection finish its calls. Whoever calls bounds the time: when this is
    /// dropped, so are the connections.
    pub(crate) async fn run(self, listener: TcpListener) {
        let this = Arc::new(self);
        let most = match this.protections.on(Protection::Connections) {
            true => this.limits.connections,
            false => Semaphore::MAX_PERMITS,
        };
        let slots = Arc::new(Semaphore::new(most));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = this.shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, from)) => match Arc::clone(&slots).try_acquire_owned() {
                    Ok(slot) => this.begin(stream, from.ip(), slot, &mut connections),
                    // Closed at once: those that are open stay served.
                    Err(_) => tracing::warn!("a connection was refused: there are too many"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    /// Hands a connection to where it will be served.
    fn begin(
        self: &Arc<Self>,
        stream: TcpStream,
        from: IpAddr,
        slot: OwnedSemaphorePermit,
        connections: &mut JoinSet<()>,
    ) {
        // Without it each unary call waits 40 ms for a delayed acknowledgement.
        let free = stream.set_nodelay(true).and_then(|()| stream.into_std());
        let (Ok(stream), Some(place)) = (free, self.places.idlest()) else {
            return;
        };
        let (this, front) = (Arc::clone(self), place.front());
        let held = (slot, place.taken());
        let serving = async move {
            // The socket belongs to the runtime that looks at it.
            if let Ok(stream) = TcpStream::from_std(stream) {
                this.serve(front, stream, from).await;
            }
            drop(held);
        };
        connections.spawn_on(serving, place.runtime());
    }

    async fn serve(&self, front: OneFront, mut stream: TcpStream, mut from: IpAddr) {
        let first = tokio::time::timeout(self.patience(), async {
            if self.proxied {
                from = proxied::read(&mut stream).await.ok()?.unwrap_or(from);
            }
            let Some(counted) = self.clients.admit(Client::of(from)) else {
                tracing::warn!("a connection was refused: its client has too many");
                return None;
            };
            // Before TLS, which is work.
            Some((counted, self.open(stream).await?))
        });
        let opened = tokio::select! {
            opened = first => opened,
            () = self.shutdown.cancelled() => return,
        };
        match opened {
            Ok(Some((_counted, Stream::Plain(stream)))) => {
                self.speak(front, stream, None, from).await
            }
            Ok(Some((_counted, Stream::Tls(stream, peer)))) => {
                self.speak(front, *stream, peer, from).await
            }
            // Nothing was said in time, or nothing we speak.
            Ok(None) | Err(_) => (),
        }
    }

    /// The connection once its peer has said something, TLS done.
    async fn open(&self, stream: TcpStream) -> Option<Stream> {
        let Some(tls) = &self.tls else {
            // Readiness alone may be reported in vain; a byte cannot.
            let said = stream.peek(&mut [0]).await.ok()?;
            return (said > 0).then_some(Stream::Plain(stream));
        };
        let acceptor = TlsAcceptor::from(tls.current());
        let stream = acceptor.accept(stream).await.ok()?;
        let shown = stream.get_ref().1.peer_certificates();
        // Verified with the handshake; read once for all calls of the connection.
        let leaf = shown.and_then(|chain| chain.first());
        let peer = leaf
            .and_then(|leaf| PeerCertificate::read(leaf))
            .map(Arc::new);
        Some(Stream::Tls(Box::new(stream), peer))
    }

    async fn speak(
        &self,
        front: OneFront,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Option<Arc<PeerCertificate>>,
        from: IpAddr,
    ) {
        let life = Life::begin(&self.limits, self.protections);
        let calls = Arc::clone(&life);
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(peer) = &peer {
                request.extensions_mut().insert(Arc::clone(peer));
            }
            request.extensions_mut().insert(Client::of(from));
            answer(front.clone(), request, Arc::clone(&calls))
        });
        let http = self.http();
        let stream = TokioIo::new(Metered::new(
            stream,
            self.most_control_frames(),
            self.patience(),
        ));
        let mut connection = std::pin::pin!(http.serve_connection(stream, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            grace = life.over() => {
                connection.as_mut().graceful_shutdown();
                // Whatever is still open then is cut off.
                tokio::time::timeout(grace, connection).await.unwrap_or(Ok(()))
            }
            () = self.shutdown.cancelled() => {
                // GOAWAY: no new calls, those that run may finish.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended in disorder");
        }
    }

    fn patience(&self) -> Duration {
        let ms = self.limits.handshake_ms;
        Duration::from_millis(self.protections.limit(Protection::Handshake, ms, 1 << 40))
    }

    fn most_control_frames(&self) -> u32 {
        match self.protections.on(Protection::ControlFrames) {
            true => self.limits.control_frames,
            false => u32::MAX,
        }
    }

    /// gRPC comes by HTTP/2; JSON and browsers on plaintext also by HTTP/1.1, one call at a time.
    fn http(&self) -> auto::Builder<TokioExecutor> {
        let limits = &self.limits;
        let protections = self.protections;
        let header_bytes = match protections.on(Protection::HeaderSize) {
            true => limits.header_bytes,
            false => MOST_HEADER_BYTES,
        };
        let streams = match protections.on(Protection::Streams) {
            true => limits.streams_per_connection,
            false => u32::MAX,
        };
        // Rapid reset: streams that are opened and reset count until they were accepted.
        let resets = match protections.on(Protection::RapidReset) {
            true => RESETS_BEFORE_ACCEPTED,
            false => usize::MAX,
        };
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience())
            .max_headers(HTTP1_HEADERS)
            .max_buf_size((header_bytes as usize).max(LEAST_BUFFER));
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(streams)
            .initial_connection_window_size(limits.connection_window_bytes)
            .initial_stream_window_size(limits.stream_window_bytes)
            .max_header_list_size(header_bytes)
            .keep_alive_interval(Duration::from_millis(limits.keepalive_ms))
            .keep_alive_timeout(Duration::from_millis(limits.keepalive_timeout_ms))
            .max_pending_accept_reset_streams(resets)
            .max_local_error_reset_streams(1024);
        builder
    }
}

/// One call, answered by everything between here and the services.
async fn answer(
    front: OneFront,
    mut request: Request<Incoming>,
    life: Arc<Life>,
) -> Result<Response<Body>, Infallible> {
    let call = life.call();
    let leaving = Leaving(life.leaving.clone());
    request.extensions_mut().insert(leaving);
    if request.version() == Version::HTTP_2 {
        // A stream that is answered before it was read is reset, and its connection goes on.
        let response = front.call(request.map(Body::new)).await?;
        return Ok(call.answer(response));
    }
    let (parts, body) = request.into_parts();
    let (body, leftover) = leftover::watch(body);
    let request = Request::from_parts(parts, Body::new(body));
    let response = front.call(request).await?;
    leftover.forget().await;
    Ok(call.answer(response))
}

enum Stream {
    Plain(TcpStream),
    Tls(
        Box<tokio_rustls::server::TlsStream<TcpStream>>,
        Option<Arc<PeerCertificate>>,
    ),
}
