//! A service behind the gateway, with one method of each kind. Messages are strings.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, Request, Response};
use rapport_foundation::context::Context;
use rapport_foundation::deadline::Deadline;
use rapport_foundation::error::{Code, Failure};
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

pub(crate) const UNARY: &str = "/rapport.profiles.v1.CustomerService/GetCustomer";
pub(crate) const SERVER_STREAM: &str = "/rapport.routing.v1.OfferService/WatchOffers";
pub(crate) const BIDI: &str = "/rapport.interactions.v1.InteractionService/StreamInteractions";

type Codec = ProstCodec<String, String>;
type Answers = BoxStream<'static, Result<String, Status>>;

/// What the service saw of a call.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    pub(crate) context: Context,
    pub(crate) left: Option<Duration>,
}

/// The service.
#[derive(Clone)]
pub(crate) struct Upstream {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Told when a handler that was asked to wait is dropped.
    dropped: mpsc::UnboundedSender<()>,
}

impl Upstream {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (dropped, receiver) = mpsc::unbounded_channel();
        let seen = Arc::default();
        (Upstream { seen, dropped }, receiver)
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    async fn unary(
        self,
        request: tonic::Request<String>,
    ) -> Result<tonic::Response<String>, Status> {
        match request.get_ref().as_str() {
            "fail" => Err(Failure::not_found("customer", &"cus_x").into()),
            "wait" => {
                let _told = OnDrop(self.dropped);
                std::future::pending().await
            }
            "panic" => panic!("asked to"),
            text => Ok(tonic::Response::new(text.to_uppercase())),
        }
    }

    fn watch(self, request: &str) -> Answers {
        let three = stream::iter(["1", "2", "3"].map(|text| Ok(text.to_owned())));
        match request {
            "fail" => {
                let failure = Failure::new(Code::Aborted, "ENOUGH", "Three are enough.");
                three.chain(stream::iter([Err(failure.into())])).boxed()
            }
            "wait" => {
                let told = OnDrop(self.dropped);
                let never = stream::pending().map(move |never| {
                    let _told = &told;
                    never
                });
                three.chain(never).boxed()
            }
            _ => three.boxed(),
        }
    }
}

/// Each message is answered at once; `sum` answers with all that came before and ends.
fn converse(messages: Streaming<String>) -> Answers {
    let state = (messages, Vec::new(), false);
    stream::unfold(state, |(mut messages, mut all, done)| async move {
        if done {
            return None;
        }
        match messages.message().await {
            Ok(Some(text)) if text.starts_with('+') => {
                all.push(text);
                Some((Ok(None), (messages, all, false)))
            }
            Ok(Some(text)) => Some((Ok(Some(format!("re: {text}"))), (messages, all, false))),
            Ok(None) if all.is_empty() => None,
            Ok(None) => Some((Ok(Some(all.concat())), (messages, Vec::new(), true))),
            Err(status) => Some((Err(status), (messages, all, true))),
        }
    })
    .filter_map(|item| async move { item.transpose() })
    .boxed()
}

impl tower::Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        async move {
            this.seen.lock().unwrap().push(Seen {
                headers: request.headers().clone(),
                context: request.extensions().get::<Context>().unwrap().clone(),
                left: Deadline::current().map(Deadline::remaining),
            });
            let path = request.uri().path().to_owned();
            // The gateway's limit is the smaller one, so that it is seen which of the two holds.
            let mut grpc = tonic::server::Grpc::new(Codec::default())
                .apply_max_message_size_config(Some(16 * 1024 * 1024), None);
            Ok(match path.as_str() {
                UNARY => {
                    grpc.unary(service_fn(move |r| this.clone().unary(r)), request)
                        .await
                }
                SERVER_STREAM => {
                    let service = service_fn(move |r: tonic::Request<String>| {
                        let answers = this.clone().watch(r.get_ref());
                        async { Ok::<_, Status>(tonic::Response::new(answers)) }
                    });
                    grpc.server_streaming(service, request).await
                }
                _ => {
                    let service = service_fn(|r: tonic::Request<Streaming<String>>| async {
                        Ok::<_, Status>(tonic::Response::new(converse(r.into_inner())))
                    });
                    grpc.streaming(service, request).await
                }
            })
        }
        .boxed()
    }
}

struct OnDrop(mpsc::UnboundedSender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
