//! Deadlines: read at the edge, carried by an own header inside the suite, shrinking hop by hop.
//!
//! `grpc-timeout` stops at the gateway. Client and server transports both read it and race our own
//! timer, and what they answer is CANCELLED. Inside the suite the remaining time travels as
//! milliseconds in `x-rapport-deadline-ms`, and the layers here answer DEADLINE_EXCEEDED.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time::Instant;
use tonic::body::Body;

use crate::error::{Code, Failure};

/// The metadata key with the remaining time in milliseconds.
pub const HEADER: &str = "x-rapport-deadline-ms";

/// The metadata key of the gRPC protocol, for calls that come from outside.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// What a call may take when nobody said anything.
pub const DEFAULT: Duration = Duration::from_secs(2);

tokio::task_local! {
    static CURRENT: Deadline;
}

/// The moment by which the current call must have been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline of the call this task is serving, if it has one.
    pub fn current() -> Option<Deadline> {
        CURRENT.try_with(|deadline| *deadline).ok()
    }

    /// A deadline this far from now.
    pub fn after(time: Duration) -> Deadline {
        Deadline(Instant::now() + time)
    }

    /// What is left, zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// A `grpc-timeout` value that does not follow the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("grpc-timeout is not 1 to 8 digits followed by one of H M S m u n")]
pub struct MalformedTimeout;

/// Reads `grpc-timeout`.
///
/// # Errors
/// When the header is there and does not follow the protocol.
pub fn grpc_timeout(headers: &HeaderMap) -> Result<Option<Duration>, MalformedTimeout> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(MalformedTimeout);
    }
    let text = value.to_str().map_err(|_| MalformedTimeout)?;
    let unit = text.as_bytes().last().copied().ok_or(MalformedTimeout)?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MalformedTimeout);
    }
    let amount: u64 = digits.parse().map_err(|_| MalformedTimeout)?;
    Ok(Some(match unit {
        b'H' => Duration::from_secs(amount * 3600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return Err(MalformedTimeout),
    }))
}

/// What a call has left according to its headers: the suite's own header first, then the protocol's.
pub fn stated(headers: &HeaderMap) -> Option<Duration> {
    let own = headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .map(Duration::from_millis);
    own.or_else(|| grpc_timeout(headers).ok().flatten())
}

/// States the remaining time for the next hop. Rounded up, so that the hop nearer to the caller, which
/// knows the exact moment, is the one that answers.
pub fn state(headers: &mut HeaderMap, remaining: Duration) {
    let millis = u64::try_from(remaining.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
    headers.insert(HEADER, HeaderValue::from(millis));
}

/// The one answer to a deadline that passed.
pub fn exceeded() -> Failure {
    Failure::new(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "The deadline passed before the answer was ready.",
    )
}

/// Enforces the stated deadline on a service and makes it known to the code below as [`Deadline::current`].
#[derive(Debug, Clone, Copy, Default)]
pub struct DeadlineLayer;

impl<S> tower::Layer<S> for DeadlineLayer {
    type Service = Enforced<S>;

    fn layer(&self, inner: S) -> Enforced<S> {
        Enforced { inner }
    }
}

/// What [`DeadlineLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct Enforced<S> {
    inner: S,
}

impl<S> tower::Service<Request<Body>> for Enforced<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let stated = stated(request.headers());
        let call = self.inner.call(request);
        Box::pin(async move {
            let Some(remaining) = stated else {
                return call.await;
            };
            let deadline = Deadline::after(remaining);
            match tokio::time::timeout_at(deadline.0, CURRENT.scope(deadline, call)).await {
                Ok(answer) => answer,
                Err(_) => Ok(tonic::Status::from(exceeded()).into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn timeout(text: &'static str) -> Result<Option<Duration>, MalformedTimeout> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static(text));
        grpc_timeout(&headers)
    }

    #[test]
    fn a_timeout_is_read_as_the_protocol_defines_it_and_in_no_other_way() {
        assert_eq!(grpc_timeout(&HeaderMap::new()), Ok(None));
        for (text, expected) in [
            ("1n", Duration::from_nanos(1)),
            ("50m", Duration::from_millis(50)),
            ("7u", Duration::from_micros(7)),
            ("3S", Duration::from_secs(3)),
            ("2M", Duration::from_secs(120)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(timeout(text), Ok(Some(expected)), "{text}");
        }
        for text in [
            "",
            "abc",
            "-1S",
            "1",
            "S",
            "1s",
            "123456789S",
            "1.5S",
            "+1S",
            " 1S",
        ] {
            assert_eq!(timeout(text), Err(MalformedTimeout), "{text}");
        }
    }

    #[test]
    fn the_suites_own_header_wins_and_is_rounded_up() {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("9S"));
        assert_eq!(stated(&headers), Some(Duration::from_secs(9)));
        state(&mut headers, Duration::from_micros(1500));
        assert_eq!(headers.get(HEADER).unwrap(), "2");
        assert_eq!(stated(&headers), Some(Duration::from_millis(2)));
    }

    #[tokio::test]
    async fn a_handler_sees_what_is_left_and_is_answered_for_when_nothing_is() {
        use tower::{Layer as _, ServiceExt as _};

        let service = DeadlineLayer.layer(tower::service_fn(|_: Request<Body>| async {
            let left = Deadline::current().unwrap().remaining();
            assert!(left <= Duration::from_millis(30));
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
        let mut request = Request::new(Body::empty());
        state(request.headers_mut(), Duration::from_millis(30));
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.headers().get("grpc-status").unwrap(), "4");
    }
}
