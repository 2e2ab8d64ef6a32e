//! Replicas that behave as a test wants.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic_types::StatusExt as _;
use tower::util::BoxCloneSyncService;

use crate::channel::Channel;
use crate::service::{ListenConfig, Readiness, serve};

/// What every call of the tests sends.
pub(super) const BODY: &[u8] = b"\0\0\0\0\x05hello";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Well,
    Unavailable,
    LateUnavailable(Duration),
    /// UNAVAILABLE, and not its own fault.
    Elsewhere,
    /// UNAVAILABLE, and its health says so.
    Sick,
    /// Answers with a stream that does not end.
    Stream,
}

#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    streams: Arc<AtomicUsize>,
    body: Mutex<Vec<u8>>,
    deadline_ms: Mutex<Option<u64>>,
}

/// One replica, served as every service is.
pub(super) struct Replica {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
    manner: watch::Sender<Manner>,
    readiness: Readiness,
    stop: CancellationToken,
    served: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Replica {
    pub(super) async fn open() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), ListenConfig::default()).await
    }

    pub(super) async fn at(address: SocketAddr, config: ListenConfig) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, manner) = (Arc::<Seen>::default(), watch::Sender::new(Manner::Well));
        let (stop, readiness) = (CancellationToken::new(), Readiness::starting().await);
        readiness.ready().await;
        let handler = handler(Arc::clone(&seen), manner.subscribe());
        let told = readiness.clone();
        let ending = stop.clone();
        let served = tokio::spawn(async move {
            serve(listener, &config, handler, &readiness, ending)
                .await
                .unwrap();
        });
        Replica {
            address,
            seen,
            manner,
            readiness: told,
            stop,
            served: Some(served),
        }
    }

    /// As on SIGTERM: GOAWAY, the calls are finished, and the port is free.
    pub(super) async fn drain(mut self) -> SocketAddr {
        self.stop.cancel();
        let served = self.served.take().unwrap();
        tokio::time::timeout(Duration::from_secs(10), served)
            .await
            .unwrap()
            .unwrap();
        self.address
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) async fn set(&self, manner: Manner) {
        self.manner.send_replace(manner);
        match manner {
            Manner::Sick => self.readiness.not_ready().await,
            _ => self.readiness.ready().await,
        }
    }

    pub(super) fn calls(&self) -> usize {
        self.seen.calls.load(Ordering::Relaxed)
    }

    pub(super) fn open_streams(&self) -> usize {
        self.seen.streams.load(Ordering::Relaxed)
    }

    pub(super) fn last_body(&self) -> Vec<u8> {
        self.seen.body.lock().unwrap().clone()
    }

    pub(super) fn last_deadline_ms(&self) -> Option<u64> {
        *self.seen.deadline_ms.lock().unwrap()
    }

    /// Connections whose other end is in this process and open, as the kernel counts them.
    pub(super) fn connections(&self) -> usize {
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let own = format!("0100007F:{:04X}", self.address.port());
        let established = |line: &&str| {
            let mut fields = line.split_whitespace();
            fields.nth(1) == Some(own.as_str()) && fields.nth(1) == Some("01")
        };
        table.lines().filter(established).count()
    }
}

fn handler(seen: Arc<Seen>, manner: watch::Receiver<Manner>) -> crate::service::Guarded {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (seen, manner) = (Arc::clone(&seen), *manner.borrow());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            seen.calls.fetch_add(1, Ordering::Relaxed);
            *seen.body.lock().unwrap() = body.to_vec();
            let left = parts.headers.get(crate::deadline::HEADER);
            *seen.deadline_ms.lock().unwrap() =
                left.and_then(|left| left.to_str().unwrap().parse().ok());
            Ok::<_, Infallible>(answer(manner, &seen).await)
        }
    });
    BoxCloneSyncService::new(service)
}

async fn answer(manner: Manner, seen: &Seen) -> Response<Body> {
    let unavailable = || tonic::Status::new(tonic::Code::Unavailable, "asked to").into_http();
    match manner {
        Manner::Well => well(BODY),
        Manner::Unavailable | Manner::Sick => unavailable(),
        Manner::Elsewhere => {
            let mut answer = unavailable();
            let mark = http::HeaderValue::from_static("1");
            answer.headers_mut().insert(super::super::ELSEWHERE, mark);
            answer
        }
        Manner::LateUnavailable(late) => {
            tokio::time::sleep(late).await;
            unavailable()
        }
        Manner::Stream => {
            let counted = Counted::new(&seen.streams);
            let frames = futures::stream::poll_fn(move |_| {
                let _counted = &counted;
                std::task::Poll::<Option<Result<Frame<Bytes>, Infallible>>>::Pending
            });
            grpc(Body::new(StreamBody::new(frames)))
        }
    }
}

fn well(message: &'static [u8]) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(message))),
        Ok(Frame::trailers(trailers)),
    ];
    grpc(Body::new(StreamBody::new(futures::stream::iter(frames))))
}

fn grpc(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert("content-type", "application/grpc".parse().unwrap());
    response
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call with one message, whose end comes after it.
pub(super) fn call() -> Request<Body> {
    let message = Ok::<_, Infallible>(Frame::data(Bytes::from_static(BODY)));
    let body = Body::new(StreamBody::new(futures::stream::iter([message])));
    let mut request = Request::post("/x.Y/Z").body(body).unwrap();
    let headers = request.headers_mut();
    headers.insert("content-type", "application/grpc".parse().unwrap());
    headers.insert("te", "trailers".parse().unwrap());
    request
}

/// The status a call ends with.
pub(super) async fn status(channel: &Channel, request: Request<Body>) -> String {
    let response = channel.once(request).await.unwrap();
    let header = response.headers().get("grpc-status").cloned();
    let value = match header {
        Some(value) => value,
        None => {
            let body = response.into_body().collect().await.unwrap();
            body.trailers().unwrap().get("grpc-status").unwrap().clone()
        }
    };
    value.to_str().unwrap().to_owned()
}

/// After how long an answer says to try again.
pub(super) fn retry_info(response: &Response<Body>) -> Option<Duration> {
    let status = tonic::Status::from_header_map(response.headers())?;
    assert_eq!(status.code(), tonic::Code::Unavailable);
    status.get_details_retry_info()?.retry_delay
}

/// A replica below gRPC.
pub(super) struct Raw {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Raw {
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Takes a whole request and then refuses the stream.
pub(super) async fn refusing() -> Raw {
    raw(|mut respond| {
        respond.send_reset(h2::Reason::REFUSED_STREAM);
        true
    })
    .await
}

/// Takes a whole request and then breaks the connection.
pub(super) async fn breaking() -> Raw {
    raw(|_| false).await
}

async fn raw(
    answer: impl Fn(h2::server::SendResponse<Bytes>) -> bool + Clone + Send + 'static,
) -> Raw {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (counted, answer) = (Arc::clone(&counted), answer.clone());
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, respond))) = connection.accept().await {
                    counted.fetch_add(1, Ordering::Relaxed);
                    if !answer(respond) {
                        return;
                    }
                }
            });
        }
    });
    Raw { address, calls }
}
