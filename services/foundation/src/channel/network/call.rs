//! One call: as many attempts as are safe, within its deadline.

use std::sync::Arc;
use std::time::Instant;

use http::header::{CONNECTION, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use tonic::body::Body;
use tower::BoxError;

use super::endpoint::{Endpoint, Ticket};
use super::exchange::{Sent, exchange, target};
use super::pool::Pool;
use super::request::Source;
use super::{Retry, unavailable};
use crate::deadline::{self, Deadline};

/// Connections that may turn out to be going away in the course of one call.
const MOST_UNSENT: u32 = 16;

/// Headers of a single connection; HTTP/2 has none of them (RFC 9113 §8.2.2).
const HOP: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Makes a call within its deadline.
pub(super) async fn call(
    pool: Arc<Pool>,
    mut request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    // Both the protocol's header and ours may say it; ours alone goes on, or the far side would answer CANCELLED.
    let limit = deadline::stated(request.headers());
    let headers = request.headers_mut();
    if let (Some(_), Some(limit)) = (headers.remove(deadline::GRPC_TIMEOUT), limit) {
        deadline::state(headers, limit);
    }
    pool.budget.count();
    // Pinned here: a future that is moved into another is there twice.
    let attempts = std::pin::pin!(Call::new(pool, request, limit.map(Deadline::after)).run());
    Ok(match limit {
        None => attempts.await,
        Some(limit) => tokio::time::timeout(limit, attempts)
            .await
            .unwrap_or_else(|_| tonic::Status::from(deadline::exceeded()).into_http()),
    })
}

struct Call {
    pool: Arc<Pool>,
    head: Head,
    source: Option<Source>,
    deadline: Option<Deadline>,
    idempotent: bool,
}

/// What is sent anew with each attempt.
struct Head {
    method: http::Method,
    path: Option<http::uri::PathAndQuery>,
    headers: HeaderMap,
}

/// What came of an attempt.
enum Next {
    Done(Response<Body>),
    /// Again, elsewhere if there is an elsewhere; whether it counts as an attempt.
    Again {
        counts: bool,
    },
}

impl Call {
    fn new(pool: Arc<Pool>, request: Request<Body>, deadline: Option<Deadline>) -> Self {
        let (parts, body) = request.into_parts();
        let idempotent = parts.extensions.get() == Some(&Retry::Idempotent);
        let mut headers = parts.headers;
        HOP.iter().for_each(|name| drop(headers.remove(name)));
        if headers.get(TE).is_some_and(|te| te != "trailers") {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        Call {
            source: Some(Source::new(body, pool.config.retry_body_bytes)),
            pool,
            head: Head {
                method: parts.method,
                path: parts.uri.into_parts().path_and_query,
                headers,
            },
            deadline,
            idempotent,
        }
    }

    async fn run(mut self) -> Response<Body> {
        let (mut attempts, mut unsent) = (0, 0);
        let mut avoid: Option<Arc<Endpoint>> = None;
        loop {
            let Some(ticket) = self.pool.ticket(avoid.as_ref()).await else {
                return tonic::Status::from(unavailable()).into_http();
            };
            avoid = Some(Arc::clone(&ticket.endpoint));
            match self.attempt(ticket, attempts).await {
                Next::Done(response) => return response,
                Next::Again { counts: true } => attempts += 1,
                Next::Again { counts: false } => unsent += 1,
            }
            if unsent > MOST_UNSENT {
                return tonic::Status::from(unavailable()).into_http();
            }
        }
    }

    async fn attempt(&mut self, ticket: Ticket, before: u32) -> Next {
        if before > 0
            && let Some(deadline) = self.deadline
        {
            deadline::state(&mut self.head.headers, deadline.remaining());
        }
        let Some(head) = self.head.request(&ticket.endpoint) else {
            return Next::Done(tonic::Status::from(unavailable()).into_http());
        };
        let more = before + 1 < self.pool.config.attempts;
        match exchange(ticket, head, &mut self.source).await {
            Sent::Answered {
                response,
                unavailable: true,
            } if more && self.may_repeat() => {
                drop(response);
                Next::Again { counts: true }
            }
            Sent::Answered { response, .. } => Next::Done(response),
            Sent::Unsent => Next::Again { counts: false },
            Sent::Unprocessed if more && self.rewind() => Next::Again { counts: true },
            Sent::Lost(_) if more && self.may_repeat() => Next::Again { counts: true },
            Sent::Lost(error) => {
                tracing::warn!(%error, "a service could not be reached");
                Next::Done(tonic::Status::from(unavailable()).into_http())
            }
            Sent::Broken(Some(status)) => Next::Done(status.into_http()),
            Sent::Unprocessed | Sent::Broken(None) => {
                Next::Done(tonic::Status::from(unavailable()).into_http())
            }
        }
    }

    fn rewind(&mut self) -> bool {
        self.source.as_mut().is_some_and(Source::rewind)
    }

    /// Whether what may have been processed may be sent again.
    fn may_repeat(&mut self) -> bool {
        self.idempotent && self.rewind() && self.pool.budget.take(Instant::now())
    }
}

impl Head {
    fn request(&self, endpoint: &Endpoint) -> Option<Request<()>> {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = target(&endpoint.address, self.path.clone())?;
        *request.version_mut() = Version::HTTP_2;
        request.headers_mut().clone_from(&self.headers);
        Some(request)
    }
}
