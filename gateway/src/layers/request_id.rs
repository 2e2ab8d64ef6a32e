//! A name for every call.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue, Request, Response};
use rapport_foundation::telemetry::REQUEST_ID;
use tonic::body::Body;
use tower::Service;
use uuid::Uuid;

use super::Answer;

static NAME: HeaderName = HeaderName::from_static(REQUEST_ID);

/// The longest id that is taken over from a caller.
const LONGEST: usize = 64;

#[derive(Clone, Copy)]
pub(super) struct RequestIdLayer;

impl<S> tower::Layer<S> for RequestIdLayer {
    type Service = RequestId<S>;

    fn layer(&self, inner: S) -> RequestId<S> {
        RequestId(inner)
    }
}

#[derive(Clone)]
pub(super) struct RequestId<S>(S);

impl<S> Service<Request<Body>> for RequestId<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        let headers = request.headers_mut();
        let id = headers.remove(&NAME).filter(is_sane).unwrap_or_else(new);
        headers.insert(NAME.clone(), id.clone());
        let call = self.0.call(request);
        Box::pin(async move {
            let mut response = call.await?;
            response.headers_mut().insert(NAME.clone(), id);
            Ok(response)
        })
    }
}

/// An id goes into logs and on to other systems: short, and of letters that mean nothing anywhere.
fn is_sane(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().all(plain)
}

fn new() -> HeaderValue {
    let mut text = [0; uuid::fmt::Simple::LENGTH];
    let text = Uuid::now_v7().simple().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
