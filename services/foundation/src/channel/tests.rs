#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use tower::service_fn;

use super::*;
use crate::deadline;
use crate::role::Role;

fn request() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "/x.Y/Z".parse().unwrap();
    request
}

async fn status(channel: &Channel, request: Request<Body>) -> String {
    let response = channel.once(request).await.unwrap();
    let header = response.headers().get("grpc-status").cloned();
    let value = match header {
        Some(value) => value,
        None => {
            let body = response.into_body().collect().await.unwrap();
            body.trailers().unwrap().get("grpc-status").unwrap().clone()
        }
    };
    value.to_str().unwrap().to_owned()
}

/// Says so when it is dropped.
struct Dropped(Option<oneshot::Sender<()>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

#[derive(Clone)]
struct Smuggled;

#[tokio::test]
async fn extensions_cross_in_neither_direction() {
    let channel = Channel::local(service_fn(|request: Request<Body>| async move {
        assert!(request.extensions().get::<Smuggled>().is_none());
        let mut response = tonic::Status::ok("").into_http::<Body>();
        response.extensions_mut().insert(Smuggled);
        Ok::<_, Infallible>(response)
    }));
    let mut request = request();
    request.extensions_mut().insert(Smuggled);
    let response = channel.once(request).await.unwrap();
    assert!(response.extensions().get::<Smuggled>().is_none());
    assert_eq!(response.headers().get("grpc-status").unwrap(), "0");
}

#[tokio::test]
async fn a_stated_deadline_answers_4_and_ends_the_handler() {
    for (name, value) in [(deadline::GRPC_TIMEOUT, "20m"), (deadline::HEADER, "20")] {
        let (sender, dropped) = oneshot::channel();
        let guard = std::sync::Mutex::new(Some(Dropped(Some(sender))));
        let guard = std::sync::Arc::new(guard);
        let channel = Channel::local(service_fn(move |_: Request<Body>| {
            let guard = guard.lock().unwrap().take();
            async move {
                let _guard = guard;
                std::future::pending::<Result<Response<Body>, Infallible>>().await
            }
        }));
        let mut request = request();
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(status(&channel, request).await, "4");
        tokio::time::timeout(Duration::from_secs(5), dropped)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn dropping_the_call_ends_the_handler() {
    let (sender, dropped) = oneshot::channel();
    let (started, starting) = oneshot::channel();
    let held = std::sync::Arc::new(std::sync::Mutex::new(Some((
        Dropped(Some(sender)),
        started,
    ))));
    let channel = Channel::local(service_fn(move |_: Request<Body>| {
        let (guard, started) = held.lock().unwrap().take().unwrap();
        async move {
            let _guard = guard;
            let _ = started.send(());
            std::future::pending::<Result<Response<Body>, Infallible>>().await
        }
    }));
    let call = tokio::spawn(channel.once(request()));
    starting.await.unwrap();
    call.abort();
    tokio::time::timeout(Duration::from_secs(5), dropped)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_panic_is_internal_before_the_answer_and_in_the_middle_of_it() {
    let channel = Channel::local(service_fn(|_: Request<Body>| async {
        panic!("before");
        #[expect(unreachable_code, reason = "gives the closure its type")]
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    assert_eq!(status(&channel, request()).await, "13");

    let channel = Channel::local(service_fn(|_: Request<Body>| async {
        let frames = futures::stream::once(async {
            panic!("in the middle");
            #[expect(unreachable_code, reason = "gives the stream its type")]
            Ok::<_, Infallible>(http_body::Frame::data(bytes::Bytes::new()))
        });
        let body = http_body_util::StreamBody::new(Box::pin(frames));
        Ok::<_, Infallible>(Response::new(Body::new(body)))
    }));
    assert_eq!(status(&channel, request()).await, "13");
}

#[tokio::test]
async fn a_late_channel_is_unavailable_until_it_is_told_and_can_be_told_again() {
    let neighbours = Neighbours::default();
    let channel = neighbours.channel(Role::Loyalty);
    assert_eq!(status(&channel, request()).await, "14");
    for code in [tonic::Code::Aborted, tonic::Code::NotFound] {
        let server = service_fn(move |_: Request<Body>| async move {
            Ok::<_, Infallible>(tonic::Status::new(code, "").into_http())
        });
        neighbours.set(Role::Loyalty, Channel::local(server));
        assert_eq!(
            status(&channel, request()).await,
            i32::from(code).to_string()
        );
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable_with_a_text_that_tells_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let channel = Channel::connect(&url, None).unwrap();
    let response = channel.once(request()).await.unwrap();
    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(!status.message().contains("127.0.0.1") && !status.message().contains("connect"));
}

#[tokio::test]
async fn an_address_that_cannot_work_is_refused_at_once() {
    for url in [
        "profiles:80",
        "ftp://profiles",
        "https://profiles",
        "http://",
        "/x",
    ] {
        assert!(Channel::connect(url, None).is_err(), "{url}");
    }
    assert!(Channel::connect("http://profiles:80", Some(&Tls::default())).is_err());
}
