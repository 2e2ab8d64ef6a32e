//! Is it gRPC at all?

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;
use tower::Service;

use super::Answer;

#[derive(Clone, Copy)]
pub(super) struct ProtocolLayer;

impl<S> tower::Layer<S> for ProtocolLayer {
    type Service = Protocol<S>;

    fn layer(&self, inner: S) -> Protocol<S> {
        Protocol(inner)
    }
}

#[derive(Clone)]
pub(super) struct Protocol<S>(S);

impl<S> Service<Request<Body>> for Protocol<S>
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

    fn call(&mut self, request: Request<Body>) -> Answer {
        // Whoever does not speak gRPC would not find a gRPC status: these two answers are plain HTTP.
        if request.method() != Method::POST {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED);
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
            return Box::pin(std::future::ready(Ok(answer)));
        }
        if !request.headers().get(CONTENT_TYPE).is_some_and(is_grpc) {
            return Box::pin(std::future::ready(Ok(plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ))));
        }
        Box::pin(self.0.call(request))
    }
}

/// `application/grpc`, alone or with a codec behind `+` or parameters behind `;`. Not `application/grpc-web`,
/// which is another protocol.
fn is_grpc(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let Some((kind, rest)) = bytes.split_at_checked("application/grpc".len()) else {
        return false;
    };
    kind.eq_ignore_ascii_case(b"application/grpc")
        && matches!(rest.first(), None | Some(b'+' | b';'))
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
