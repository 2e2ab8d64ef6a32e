//! Who did what, and how it ended.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use rapport_foundation::telemetry::{REQUEST_ID, current_trace_id, trace_id};
use rapport_foundation::touched::TRAILER;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::find::Found;
use super::{Answer, NotHandedOn, refuse};
use crate::audit::{Auditor, Running};
use crate::auth::Caller;
use crate::error::Rejection;
use crate::protection::{Protection, Protections};

#[derive(Clone)]
pub(super) struct AuditLayer {
    pub(super) auditor: Auditor,
    pub(super) protections: Protections,
}

impl<S> tower::Layer<S> for AuditLayer {
    type Service = Audited<S>;

    fn layer(&self, inner: S) -> Audited<S> {
        Audited {
            inner,
            parts: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Audited<S> {
    inner: S,
    parts: AuditLayer,
}

impl AuditLayer {
    /// The place of a call that is audited; none for one that is not.
    fn begin(&self, request: &Request<Body>) -> Result<Option<Running>, Rejection> {
        let extensions = request.extensions();
        let caller: Option<&Caller> = extensions.get();
        let (Some(Found(method)), Some(caller)) = (extensions.get(), caller) else {
            return Ok(None);
        };
        if !method.personal_data && !method.audited {
            return Ok(None);
        }
        let mut running = match self
            .auditor
            .begin(&caller.context, &caller.identity, method)
        {
            Err(_) if !self.protections.on(Protection::Auditable) => return Ok(None),
            begun => begun?,
        };
        let headers = request.headers();
        // Where nothing is traced here the caller's trace goes through as it is.
        let trace = current_trace_id().or_else(|| trace_id(headers));
        running.known_as(headers.get(REQUEST_ID).cloned(), trace);
        Ok(Some(running))
    }
}

impl<S> Service<Request<Body>> for Audited<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let mut running = match self.parts.begin(&request) {
            Ok(running) => running,
            Err(rejection) => return refuse(rejection),
        };
        let call = self.inner.call(request);
        Box::pin(async move {
            let mut response = call.await?;
            let turned_away = response.extensions_mut().remove::<NotHandedOn>().is_some();
            if turned_away && shed(response.headers()) {
                running.take().into_iter().for_each(Running::forget);
            }
            if ended(response.headers_mut(), &mut running) {
                return Ok(response);
            }
            if response.body().is_end_stream()
                && let Some(mut running) = running.take()
            {
                // Nobody reads a body that is over: an answer without a status is none.
                running.end(Code::Unknown, None);
            }
            Ok(response.map(|body| Body::new(Watched { body, running })))
        })
    }
}

/// Whether these headers turn a call away for its rate. Before any service saw it that is nothing to note, and a flood
/// of such calls must not become a flood in the trail.
fn shed(headers: &HeaderMap) -> bool {
    let status = headers.get(Status::GRPC_STATUS);
    status.is_some_and(|status| Code::from_bytes(status.as_bytes()) == Code::ResourceExhausted)
}

/// Takes the service's word out of these headers, and notes the end of the call if they hold its status.
fn ended(headers: &mut HeaderMap, running: &mut Option<Running>) -> bool {
    let told: Option<HeaderValue> = headers.remove(TRAILER);
    let Some(status) = headers.get(Status::GRPC_STATUS) else {
        return false;
    };
    if let Some(running) = running {
        running.end(Code::from_bytes(status.as_bytes()), told);
    }
    true
}

/// An answer until its end. Dropped before that, the call was cancelled.
struct Watched {
    body: Body,
    running: Option<Running>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Watched { body, running } = &mut *self;
        let mut polled = Pin::new(body).poll_frame(cx);
        match &mut polled {
            Poll::Pending => (),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    ended(trailers, running);
                } else if let Some(running) = running {
                    running.answers();
                }
            }
            Poll::Ready(Some(Err(status))) => {
                if let Some(running) = running {
                    running.end(status.code(), None);
                }
            }
            // An answer without a status is none.
            Poll::Ready(None) => {
                if let Some(running) = running {
                    running.end(Code::Unknown, None);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use rapport_foundation::context::{Claims, PrincipalKind};
    use rapport_foundation::error::{Code as Refusal, Failure};
    use rapport_foundation::id::TenantId;
    use rapport_foundation::time::{Clock, Micros};
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::super::find::FindLayer;
    use super::*;
    use crate::policy::Policies;

    /// The codes in the trail after a call that is answered like this.
    async fn noted(answer: fn() -> Answer) -> Vec<Code> {
        let (auditor, mut ended) = Auditor::to_be_read(Clock::manual(Micros(1)));
        let layer = AuditLayer {
            auditor,
            protections: Protections::default(),
        };
        let find = FindLayer {
            policies: Policies::read(rapport_proto::pool()).unwrap(),
            protections: Protections::default(),
        };
        let path = "/rapport.profiles.v1.CustomerService/GetCustomer";
        let mut request = Request::post(path).body(Body::empty()).unwrap();
        let claims = Claims::new(TenantId::nil(), "anna", PrincipalKind::Staff);
        request.extensions_mut().insert(Caller::claiming(claims));
        let audited = layer.layer(service_fn(move |_| answer()));
        let call = find.layer(audited).oneshot(request);
        drop(call.await);
        let mut codes = Vec::new();
        while let Ok(code) = ended.try_code() {
            codes.push(code);
        }
        codes
    }

    fn busy() -> Failure {
        Failure::new(
            Refusal::ResourceExhausted,
            "RATE_EXCEEDED",
            "Too many calls.",
        )
    }

    #[tokio::test]
    async fn only_what_is_turned_away_for_its_rate_before_any_service_leaves_no_entry() {
        assert!(noted(|| refuse(busy())).await.is_empty());
        let of_a_service: fn() -> Answer =
            || Box::pin(async { Ok(Status::from(busy()).into_http()) });
        assert_eq!(noted(of_a_service).await, [Code::ResourceExhausted]);
        let denied: fn() -> Answer = || refuse(Rejection::TenantRequired);
        assert_eq!(noted(denied).await, [Code::PermissionDenied]);
        let without_status: fn() -> Answer =
            || Box::pin(async { Ok(Response::new(Body::empty())) });
        assert_eq!(noted(without_status).await, [Code::Unknown]);
    }
}
