//! One HTTP/2 connection to a replica.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Ping, PingPong};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

/// The whole connection is not bounded: what some callers leave unread would take what the others need, and all callers
/// share it. Each stream is, so that memory is bounded by the streams there may be.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// The largest block of headers or trailers an answer may have.
const HEADER_BYTES: u32 = 16 * 1024;
/// What may wait to be sent on one stream before its body is asked for more.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Calls at a time until the replica has said how many it takes.
const FIRST_STREAMS: usize = 100;
/// A peer that vanished without a word is noticed within 20 s, even with no call running.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// An open connection. It is closed when nobody holds it and its calls are over.
pub(super) struct Connection {
    pub(super) send: SendRequest<Bytes>,
    pub(super) outstanding: AtomicUsize,
    /// Whether no more calls may be sent on it: it is going away, or gone.
    closed: AtomicBool,
    closing: Notify,
}

impl Connection {
    /// From now on no more calls are sent on it; those that run go on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.closing.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns once it takes no more calls. One task at a time may wait.
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.closing.notified().await;
        }
    }
}

/// Connects, and waits for a sign that HTTP/2 is spoken at the other end.
pub(super) async fn open(
    address: std::net::SocketAddr,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
) -> io::Result<Arc<Connection>> {
    let stream = TcpStream::connect(address).await?;
    // Without it each unary call waits 40 ms for a delayed acknowledgement.
    stream.set_nodelay(true)?;
    match tls {
        None => speak(stream).await,
        Some((config, name)) => {
            let stream = TlsConnector::from(config).connect(name, stream).await?;
            if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                return Err(io::Error::other("HTTP/2 is not spoken there"));
            }
            speak(stream).await
        }
    }
}

async fn speak<T>(stream: T) -> io::Result<Arc<Connection>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (send, mut connection) = Builder::new()
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .max_header_list_size(HEADER_BYTES)
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .initial_max_send_streams(FIRST_STREAMS)
        .enable_push(false)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(io::Error::other)?;
    let mut pings = connection
        .ping_pong()
        .ok_or_else(|| io::Error::other("no pings"))?;
    // A socket that opens says nothing: the kernel opens it for a process that hangs.
    tokio::select! {
        ended = &mut connection => return Err(ended.map_or_else(io::Error::other, |()| closed())),
        pong = pings.ping(Ping::opaque()) => pong.map_err(io::Error::other)?,
    };
    let opened = Arc::new(Connection {
        send,
        outstanding: AtomicUsize::new(0),
        closed: AtomicBool::new(false),
        closing: Notify::new(),
    });
    // It must not be held by what drives it: without holders it ends.
    let driven = Arc::downgrade(&opened);
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection to a service broke");
            },
            () = silent(pings) => tracing::warn!("a service stopped answering; its connection is closed"),
        }
        if let Some(connection) = driven.upgrade() {
            connection.close();
        }
    });
    Ok(opened)
}

fn closed() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

/// Returns once the peer answers pings no more.
async fn silent(mut pings: PingPong) {
    loop {
        tokio::time::sleep(PING_EVERY).await;
        let pong = tokio::time::timeout(PING_PATIENCE, pings.ping(Ping::opaque())).await;
        match pong {
            Ok(Ok(_)) => (),
            // The connection itself tells what is wrong with it.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return,
        }
    }
}
