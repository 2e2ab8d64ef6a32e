//! The in-process kind.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::{Answer, Channel, Way, body};
use crate::deadline;
use crate::error::{Code, Failure};

/// A server in this process, called the way a socket would call it.
pub(super) struct Local<S> {
    server: S,
    /// Where its calls run, whichever runtime they come from: what it holds was opened there.
    home: Option<Handle>,
}

impl<S> Local<S> {
    pub(super) fn new(server: S) -> Self {
        Local {
            server,
            home: Handle::try_current().ok(),
        }
    }
}

impl<S> Way for Local<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    fn call(&self, mut request: Request<Body>) -> Answer {
        // Extensions do not cross a socket. Left in place they would be a back door for identity
        // that opens only when the suite runs in one process.
        request.extensions_mut().clear();
        let limit = deadline::stated(request.headers());
        let call = self.server.clone().oneshot(request);
        let home = self.home.clone();
        Box::pin(async move {
            let home = home.unwrap_or_else(Handle::current);
            let call = Call(home.spawn(call));
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

    fn again(&self) -> Option<Channel> {
        None
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
