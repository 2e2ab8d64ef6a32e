//! Connections to the outside: name, address check, TCP, TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Error, address};

#[derive(Clone)]
pub(super) struct Connector {
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) allow_private: bool,
    pub(super) timeout: Duration,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("private address")]
    Private(String),
    #[error("cannot connect")]
    Connect(String, io::Error),
}

impl Refused {
    pub(super) fn told(&self) -> Error {
        match self {
            Refused::Private(host) => Error::PrivateAddress(host.clone()),
            Refused::Connect(host, error) => Error::Connect {
                host: host.clone(),
                source: io::Error::new(error.kind(), error.to_string()),
            },
        }
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, Refused>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().to_owned();
            match tokio::time::timeout(this.timeout, this.connect(&uri, &host)).await {
                Ok(stream) => stream.map(TokioIo::new),
                Err(_) => Err(Refused::Connect(host, io::ErrorKind::TimedOut.into())),
            }
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri, host: &str) -> Result<Stream, Refused> {
        let failed = |error: io::Error| Refused::Connect(host.to_owned(), error);
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        // A literal IPv6 address stands in brackets in a URL and without them everywhere else.
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let mut allowed = Vec::new();
        for address in tokio::net::lookup_host((bare, port))
            .await
            .map_err(failed)?
        {
            if self.allow_private || !address::is_private(address.ip()) {
                allowed.push(address);
            }
        }
        if allowed.is_empty() {
            return Err(Refused::Private(host.to_owned()));
        }
        let stream = TcpStream::connect(allowed.as_slice())
            .await
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if !secure {
            return Ok(Stream::Plain(stream));
        }
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|error| failed(io::Error::other(error)))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// A connection, encrypted or not.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buffer),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
