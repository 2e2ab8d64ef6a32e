//! HTTP/2 by the byte: what no well-behaved client can be made to send.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::fixture::Fixture;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A frame that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error code of GOAWAY or RST_STREAM.
    pub(crate) fn code(&self) -> u32 {
        let code = self.payload.last_chunk::<4>();
        u32::from_be_bytes(*code.unwrap())
    }
}

/// A frame to send.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Headers, each as a literal that no table remembers (RFC 7541, 6.2.2).
pub(crate) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        bytes.push(0);
        for text in [name, value] {
            length(&mut bytes, text.len());
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

fn length(bytes: &mut Vec<u8>, length: usize) {
    if length < 127 {
        return bytes.push(u8::try_from(length).unwrap());
    }
    bytes.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
}

/// The headers of an honest gRPC call.
pub(crate) fn call(path: &str, token: &str) -> Vec<u8> {
    block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "gate.test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("authorization", &format!("Bearer {token}")),
    ])
}

/// A gRPC message of one string field.
pub(crate) fn message(text: &str) -> Vec<u8> {
    let payload = prost::Message::encode_to_vec(&text.to_owned());
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &payload].concat()
}

/// The largest frame that is taken.
const LARGEST: usize = 16 * 1024;

/// A whole unary or server-streaming call on a stream.
pub(crate) fn whole_call(stream: u32, path: &str, token: &str, text: &str) -> Vec<u8> {
    let message = message(text);
    let pieces = message.chunks(LARGEST);
    let last = pieces.len() - 1;
    let data = pieces.enumerate().map(|(at, piece)| {
        let flags = if at == last { END_STREAM } else { 0 };
        frame(DATA, flags, stream, piece)
    });
    let head = frame(HEADERS, END_HEADERS, stream, &call(path, token));
    std::iter::once(head).chain(data).flatten().collect()
}

/// A connection.
pub(crate) struct Wire<S = TcpStream>(S);

impl Wire {
    /// Says nothing yet.
    pub(crate) async fn silent(fixture: &Fixture) -> Self {
        let stream = TcpStream::connect(fixture.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Wire(stream)
    }

    /// Has exchanged the preface; `settings` is the payload of the first SETTINGS.
    pub(crate) async fn open(fixture: &Fixture, settings: &[u8]) -> Self {
        let mut wire = Self::silent(fixture).await;
        wire.begin(settings).await;
        wire
    }

    /// Says what every client says first.
    pub(crate) async fn begin(&mut self, settings: &[u8]) {
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        self.send(&frame(SETTINGS, 0, 0, settings)).await;
        self.send(&frame(SETTINGS, ACK, 0, &[])).await;
    }

    /// Both halves: a flood is sent while what comes back is read.
    pub(crate) fn split(self) -> (Wire<OwnedReadHalf>, Wire<OwnedWriteHalf>) {
        let (read, write) = self.0.into_split();
        (Wire(read), Wire(write))
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Sends, and says whether the other side took it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// The next frame; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// The first frame that is looked for; none when the connection ends before.
    pub(crate) async fn until(&mut self, looked_for: impl Fn(&Frame) -> bool) -> Option<Frame> {
        let found = async {
            while let Some(frame) = self.next().await {
                if looked_for(&frame) {
                    return Some(frame);
                }
            }
            None
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }

    /// Whether the connection ends within a time.
    pub(crate) async fn ends_within(&mut self, time: Duration) -> bool {
        let end = async { while self.next().await.is_some() {} };
        tokio::time::timeout(time, end).await.is_ok()
    }
}
