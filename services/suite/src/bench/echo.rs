//! The far side of a measured gateway: a server that does nothing but answer.
//!
//! It stands for every service of the suite and for the trace collector, so that what is measured is what lies
//! between. The transport is tonic's, as it is in the services.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use rapport_foundation::service::termination;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::service_fn;

use super::way::framed;
use crate::error::Error;

/// Whose answer is many messages.
pub(super) const STREAM_PATH: &str =
    "/rapport.interactions.v1.InteractionService/WatchInteractions";
/// Whose answer is the question.
pub(super) const UNARY_PATH: &str = "/rapport.profiles.v1.CustomerService/GetCustomer";
/// Messages of one stream, and the bytes of each.
pub(super) const STREAM_MESSAGES: usize = 1000;
pub(super) const STREAM_MESSAGE_BYTES: usize = 200;
/// Pieces of a body that are put together: more is no question anybody here asks.
const MOST_BYTES: usize = 1024 * 1024;

/// How much the server can do, when it is to be the bottleneck.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Calls at a time; the others wait.
    pub(crate) workers: usize,
    /// How long each of them takes.
    pub(crate) work: Duration,
}

/// Serves until the process is asked to end. Says where by `told`.
pub(crate) async fn serve(
    listen: SocketAddr,
    capacity: Option<Capacity>,
    told: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let failed = |source| Error::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    told(listener.local_addr().map_err(failed)?);
    let workers =
        capacity.map(|capacity| (Arc::new(Semaphore::new(capacity.workers)), capacity.work));
    let answer = service_fn(move |request| answer(request, workers.clone()));
    Server::builder()
        .initial_connection_window_size(4 * 1024 * 1024)
        .initial_stream_window_size(1024 * 1024)
        .max_concurrent_streams(16_384)
        .serve_with_incoming_shutdown(
            answer,
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            termination(),
        )
        .await
        .map_err(|error| Error::Bench(error.to_string()))
}

type Workers = Option<(Arc<Semaphore>, Duration)>;

fn answer(
    request: Request<Body>,
    workers: Workers,
) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
    Box::pin(async move {
        if let Some((workers, work)) = workers {
            // Never closed.
            let _worker = workers.acquire_owned().await;
            tokio::time::sleep(work).await;
        }
        let streams = request.uri().path() == STREAM_PATH;
        let ours = request.uri().path().starts_with("/rapport.");
        let question = collect(request.into_body()).await;
        let (message, times) = match (ours, streams) {
            (true, false) => (question, 1),
            (true, true) => (framed(&[0; STREAM_MESSAGE_BYTES]), STREAM_MESSAGES),
            // The collector's answer is empty.
            (false, _) => (framed(&[]), 1),
        };
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        trailers.insert("x-rapport-touched", HeaderValue::from_static("n=1;"));
        let messages = std::iter::repeat_n(message, times).map(Frame::data);
        let frames = messages
            .chain([Frame::trailers(trailers)])
            .map(Ok::<_, Infallible>);
        let mut response = Response::new(Body::new(StreamBody::new(futures::stream::iter(frames))));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        Ok(response)
    })
}

async fn collect(mut body: Body) -> Bytes {
    let mut whole: Option<BytesMut> = None;
    let mut first = Bytes::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.is_empty() {
            // Almost always the only one.
            first = data;
        } else {
            let whole = whole.get_or_insert_with(|| BytesMut::from(first.as_ref()));
            if whole.len() + data.len() <= MOST_BYTES {
                whole.extend_from_slice(&data);
            }
        }
    }
    whole.map_or(first, BytesMut::freeze)
}
