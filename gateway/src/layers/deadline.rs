//! How long a call may take: what the caller asks for, bounded by the class of the method.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use rapport_foundation::deadline;
use rapport_proto::options::v1::DeadlineClass;
use tokio::time::Instant;
use tonic::body::Body;
use tower::Service;

use super::{Answer, cut, refuse};
use crate::config::Deadlines;
use crate::error::Rejection;
use crate::protection::{Protection, Protections};
use crate::proxy::Target;

#[derive(Clone)]
pub(super) struct DeadlineLayer {
    pub(super) classes: Deadlines,
    pub(super) protections: Protections,
}

impl<S> tower::Layer<S> for DeadlineLayer {
    type Service = Deadlined<S>;

    fn layer(&self, inner: S) -> Deadlined<S> {
        Deadlined {
            inner,
            classes: self.classes.clone(),
            protections: self.protections,
        }
    }
}

#[derive(Clone)]
pub(super) struct Deadlined<S> {
    inner: S,
    classes: Deadlines,
    protections: Protections,
}

impl Deadlines {
    /// The time a call gets. None: a stream that states no limit of its own.
    fn allowed(
        &self,
        class: DeadlineClass,
        headers: &HeaderMap,
        protections: Protections,
    ) -> Result<Option<Duration>, Rejection> {
        let asked = match deadline::grpc_timeout(headers) {
            Err(_) if !protections.on(Protection::TimeoutForm) => None,
            asked => asked.map_err(|_| Rejection::TimeoutMalformed)?,
        };
        let most = match class {
            DeadlineClass::Stream => return Ok(asked),
            DeadlineClass::Bulk => self.bulk_ms,
            DeadlineClass::Interactive | DeadlineClass::Unspecified => self.interactive_ms,
        };
        let asked = asked.unwrap_or(Duration::from_millis(self.default_ms));
        if !protections.on(Protection::DeadlineClass) {
            return Ok(Some(asked));
        }
        Ok(Some(asked.min(Duration::from_millis(most))))
    }
}

impl<S> Service<Request<Body>> for Deadlined<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        let class = match request.extensions().get::<Target>() {
            Some(Target(method)) => method.deadline,
            None => DeadlineClass::Interactive,
        };
        let allowed = match self
            .classes
            .allowed(class, request.headers(), self.protections)
        {
            Ok(allowed) => allowed,
            Err(rejection) => return refuse(rejection),
        };
        // The protocol's header stops here: transports behind would race our timer with CANCELLED.
        request.headers_mut().remove(deadline::GRPC_TIMEOUT);
        // And what is ours must not come from outside.
        request.headers_mut().remove(deadline::HEADER);
        let allowed = allowed.filter(|_| self.protections.on(Protection::Deadline));
        let Some(allowed) = allowed else {
            return self.inner.call(request);
        };
        if class != DeadlineClass::Stream {
            // A stream's deadline ends the stream, not the handler that opens it.
            deadline::state(request.headers_mut(), allowed);
        }
        let until = Instant::now() + allowed;
        let call = self.inner.call(request);
        Box::pin(async move {
            match tokio::time::timeout_at(until, call).await {
                Ok(Ok(response)) => Ok(response.map(|body| {
                    let end = async move {
                        tokio::time::sleep_until(until).await;
                        deadline::exceeded()
                    };
                    cut::cut(body, Box::pin(end))
                })),
                Ok(Err(never)) => match never {},
                Err(_) => Ok(tonic::Status::from(deadline::exceeded()).into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_call_gets_what_it_asks_for_within_its_class() {
        let classes = Deadlines::default();
        let allowed = |class, asked: &str| {
            let mut headers = HeaderMap::new();
            if !asked.is_empty() {
                headers.insert(deadline::GRPC_TIMEOUT, asked.parse().unwrap());
            }
            classes.allowed(class, &headers, Protections::default())
        };
        let seconds = |seconds| Ok(Some(Duration::from_secs(seconds)));
        assert_eq!(allowed(DeadlineClass::Interactive, ""), seconds(2));
        assert_eq!(allowed(DeadlineClass::Interactive, "5S"), seconds(5));
        assert_eq!(
            allowed(DeadlineClass::Interactive, "99999999H"),
            seconds(10)
        );
        assert_eq!(allowed(DeadlineClass::Bulk, "99999999H"), seconds(60));
        assert_eq!(
            allowed(DeadlineClass::Bulk, "1n"),
            Ok(Some(Duration::from_nanos(1)))
        );
        assert_eq!(allowed(DeadlineClass::Stream, ""), Ok(None));
        assert_eq!(allowed(DeadlineClass::Stream, "90S"), seconds(90));
        for class in [DeadlineClass::Interactive, DeadlineClass::Stream] {
            assert_eq!(allowed(class, "abc"), Err(Rejection::TimeoutMalformed));
            assert_eq!(allowed(class, "-1S"), Err(Rejection::TimeoutMalformed));
        }
    }
}
