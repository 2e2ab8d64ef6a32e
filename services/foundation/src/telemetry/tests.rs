#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::convert::Infallible;

use http::{Request, Response};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _};
use tracing::instrument::WithSubscriber as _;

use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Runs something under a subscriber of its own and gives the spans it left.
async fn spans_of(work: impl Future<Output = ()>) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let subscriber = tracing_subscriber::registry().with(traces_layer(&provider).unwrap());
    work.with_subscriber(subscriber).await;
    provider.force_flush().unwrap();
    exporter.get_finished_spans().unwrap()
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|pair| pair.key.as_str() == key)?;
    Some(found.value.to_string())
}

fn call(traceparent: Option<&str>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "/rapport.profiles.v1.CustomerService/GetCustomer"
        .parse()
        .unwrap();
    if let Some(parent) = traceparent {
        request
            .headers_mut()
            .insert(TRACEPARENT, parent.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_trace_goes_from_the_caller_through_server_and_client_to_an_event() {
    let spans = spans_of(async {
        let far = TraceLayer::server().layer(tower::service_fn(|_: Request<Body>| async {
            let parent = current_traceparent();
            event_span("CustomerCreated", parent.as_deref()).in_scope(|| ());
            Ok::<_, Infallible>(tonic::Status::not_found("no").into_http::<Body>())
        }));
        let client = TraceLayer::client().layer(far);
        let near = TraceLayer::server().layer(tower::service_fn(move |_: Request<Body>| {
            client.clone().oneshot(call(None))
        }));
        near.oneshot(call(Some(PARENT))).await.unwrap();
    })
    .await;

    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    let method = "rapport.profiles.v1.CustomerService/GetCustomer";
    assert_eq!(names, ["CustomerCreated", method, method, method]);
    for pair in spans.windows(2) {
        assert_eq!(pair[0].parent_span_id, pair[1].span_context.span_id());
    }
    for span in &spans {
        let trace = span.span_context.trace_id().to_string();
        assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
    }
    let outer = spans.last().unwrap();
    assert_eq!(outer.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(attribute(outer, "rpc.method").as_deref(), Some(method));
    let code = attribute(outer, "rpc.response.status_code");
    assert_eq!(code.as_deref(), Some("NOT_FOUND"));
}

#[tokio::test]
async fn the_code_is_read_from_trailers_when_the_headers_hold_none() {
    use http_body_util::BodyExt as _;

    let spans = spans_of(async {
        let server = TraceLayer::server().layer(tower::service_fn(|_: Request<Body>| async {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            let frames =
                futures::stream::iter([Ok::<_, Infallible>(
                    http_body::Frame::<bytes::Bytes>::trailers(trailers),
                )]);
            let body = Body::new(http_body_util::StreamBody::new(frames));
            Ok::<_, Infallible>(Response::new(body))
        }));
        let response = server.clone().oneshot(call(None)).await.unwrap();
        response.into_body().collect().await.unwrap();
        // The second caller goes away without reading the answer.
        drop(server.oneshot(call(None)).await.unwrap());
    })
    .await;
    let codes: Vec<_> = spans
        .iter()
        .map(|span| attribute(span, "rpc.response.status_code").unwrap())
        .collect();
    assert_eq!(codes, ["OK", "CANCELLED"]);
}

#[tokio::test]
async fn without_traces_a_callers_context_passes_through_unchanged() {
    assert_eq!(current_traceparent(), None);
    let client =
        TraceLayer::client().layer(tower::service_fn(|request: Request<Body>| async move {
            assert_eq!(request.headers().get(TRACEPARENT).unwrap(), PARENT);
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    client.oneshot(call(Some(PARENT))).await.unwrap();
}
