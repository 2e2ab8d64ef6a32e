//! The in-process kind.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::task::JoinHandle;
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _};

use super::{Answer, body};
use crate::deadline;
use crate::error::{Code, Failure};

/// A server in this process, called the way a socket would call it.
#[derive(Clone)]
pub(super) struct Local<S>(pub(super) S);

impl<S> Service<Request<Body>> for Local<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The server is made ready inside the call's own task.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        // Extensions do not cross a socket. Left in place they would be a back door for identity
        // that opens only when the suite runs in one process.
        request.extensions_mut().clear();
        let limit = deadline::stated(request.headers());
        let server = self.0.clone();
        Box::pin(async move {
            let call = Call(tokio::spawn(server.oneshot(request)));
            let answer = match limit {
                Some(limit) => tokio::time::timeout(limit, call).await,
                None => Ok(call.await),
            };
            let mut response = match answer {
                Ok(Some(response)) => response,
                Ok(None) => return Ok(tonic::Status::from(panicked()).into_http()),
                Err(_) => return Ok(tonic::Status::from(deadline::exceeded()).into_http()),
            };
            response.extensions_mut().clear();
            Ok(response.map(body::caught))
        })
    }
}

/// The answer to a call whose handler panicked.
pub(crate) fn panicked() -> Failure {
    Failure::new(
        Code::Internal,
        "INTERNAL",
        "The call failed inside the service.",
    )
}

/// A running handler that ends when nobody waits for it any more.
struct Call(JoinHandle<Result<Response<Body>, Infallible>>);

impl Future for Call {
    /// None when the handler panicked.
    type Output = Option<Response<Body>>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0)
            .poll(cx)
            .map(|joined| match joined {
                Ok(Ok(response)) => Some(response),
                Err(_) => {
                    tracing::error!("a handler panicked");
                    None
                }
            })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.abort();
    }
}
