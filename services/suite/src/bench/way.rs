//! Connections to a target, and one call over them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, TE};
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::error::Error;

/// Wide enough that the generator never holds a stream up.
const WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// A call that takes longer than this has failed, whatever comes of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message of nothing, behind its length.
const EMPTY_MESSAGE_BYTES: usize = 5;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Status 0, and the answer was what it had to be.
    Good,
    /// RESOURCE_EXHAUSTED or UNAVAILABLE, told when to come again or not.
    Refused { told_when: bool },
    /// Anything else.
    Failed,
}

/// What an answer has to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// The message that was sent.
    Same,
    /// So many bytes of messages.
    Bytes(usize),
    /// A message that says something.
    Something,
}

/// Makes the body of each call.
#[derive(Clone)]
struct Anew(Arc<dyn Fn() -> Bytes + Send + Sync>);

impl std::fmt::Debug for Anew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Anew")
    }
}

/// A call that is made again and again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    /// Where every call says something else.
    anew: Option<Anew>,
    expected: Expected,
}

impl Call {
    pub(super) fn new(
        target: SocketAddr,
        path: &str,
        token: Option<&str>,
        message: &[u8],
        expected: Expected,
    ) -> Result<Self, Error> {
        let uri: Uri = format!("http://{target}{path}")
            .parse()
            .map_err(|_| Error::Bench(format!("{path} is no path")))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        Ok(Call {
            uri,
            headers,
            body: framed(message),
            anew: None,
            expected,
        })
    }

    /// A call that says something else each time.
    pub(super) fn anew(
        target: SocketAddr,
        path: &str,
        token: Option<&str>,
        body: impl Fn() -> Bytes + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let mut call = Call::new(target, path, token, &[], Expected::Something)?;
        call.anew = Some(Anew(Arc::new(body)));
        Ok(call)
    }

    /// The same by somebody else.
    pub(super) fn presenting(&self, token: &str) -> Result<Self, Error> {
        let mut call = self.clone();
        call.headers.insert(AUTHORIZATION, bearer(token)?);
        Ok(call)
    }

    /// The same with another header.
    pub(super) fn with(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let body = match &self.anew {
            Some(Anew(make)) => make(),
            None => self.body.clone(),
        };
        let mut request = Request::post(self.uri.clone()).body(Full::new(body));
        if let Ok(request) = &mut request {
            *request.headers_mut() = self.headers.clone();
        }
        // Every part of it was a valid part before.
        request.unwrap_or_default()
    }
}

/// A message as it stands in a body, behind its length.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(message.len() + 5);
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(message);
    body.freeze()
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Error::Bench("the token cannot be sent".into()))
}

/// One HTTP/2 connection.
#[derive(Debug, Clone)]
pub(super) struct Way(SendRequest<Full<Bytes>>);

impl Way {
    pub(super) async fn open(target: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(target).await;
        let stream = stream.map_err(|error| unreachable(target, &error))?;
        Self::connected(stream, target, None).await
    }

    /// From an address of this host: one address has no more than its ports. By TLS when there is something to trust.
    pub(super) async fn open_from(
        source: Ipv4Addr,
        target: SocketAddr,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Error> {
        let connect = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((source, 0)))?;
            socket.connect(target).await
        };
        let stream = connect.await.map_err(|error| unreachable(target, &error))?;
        Self::connected(stream, target, tls).await
    }

    async fn connected(
        stream: TcpStream,
        target: SocketAddr,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Error> {
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return Self::over(stream).await;
        };
        let name = ServerName::IpAddress(target.ip().into());
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        Self::over(stream.await.map_err(|error| unreachable(target, &error))?).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, Error> {
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .initial_connection_window_size(WINDOW_BYTES)
            .initial_stream_window_size(WINDOW_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Error::Bench(error.to_string()))?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Way(sender))
    }

    /// Makes a call and looks at all of its answer.
    pub(super) async fn make(&self, call: &Call) -> Outcome {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(call));
        answer.await.ok().flatten().unwrap_or(Outcome::Failed)
    }

    async fn exchange(&self, call: &Call) -> Option<Outcome> {
        let mut sender = self.0.clone();
        sender.ready().await.ok()?;
        let (head, mut body) = sender.send_request(call.request()).await.ok()?.into_parts();
        let mut seen = Seen::default();
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            match frame.ok()?.into_data() {
                Ok(data) => seen.take(&data, &call.body),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        let said = trailers.as_ref().unwrap_or(&head.headers);
        match status(said) {
            Some(0) if seen.fits(call) => Some(Outcome::Good),
            Some(8 | 14) => Some(Outcome::Refused {
                // The details are a google.rpc.Status in base64; RetryInfo is the only one told by this name.
                told_when: said.contains_key("grpc-status-details-bin"),
            }),
            _ => None,
        }
    }
}

/// What came of an answer so far. Nothing is kept: a generator that copies measures itself.
#[derive(Default)]
struct Seen {
    bytes: usize,
    differs: bool,
}

impl Seen {
    fn take(&mut self, data: &[u8], sent: &[u8]) {
        let expected = sent.get(self.bytes..self.bytes + data.len());
        self.differs |= expected != Some(data);
        self.bytes += data.len();
    }

    fn fits(&self, call: &Call) -> bool {
        match call.expected {
            Expected::Same => !self.differs && self.bytes == call.body.len(),
            Expected::Bytes(bytes) => self.bytes == bytes,
            Expected::Something => self.bytes > EMPTY_MESSAGE_BYTES,
        }
    }
}

fn status(headers: &HeaderMap) -> Option<u32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

fn unreachable(target: SocketAddr, error: &std::io::Error) -> Error {
    Error::Bench(format!("{target} cannot be reached: {error}"))
}
