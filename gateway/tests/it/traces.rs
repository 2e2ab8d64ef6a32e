//! One trace from the caller through the gateway to the service.

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use rapport_foundation::telemetry;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::fixture::Fixture;
use crate::upstream::UNARY;

#[tokio::test]
async fn a_call_is_one_trace_whether_the_caller_brings_it_or_not() {
    for parent in [
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        None,
    ] {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let subscriber =
            tracing_subscriber::registry().with(telemetry::traces_layer(&provider).unwrap());
        // While there is but one subscriber, a place in the code asks the one of whichever thread meets it first: that
        // of another test, which traces nothing. With two, all are asked.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let fixture = Fixture::open().await;
        let bearer = format!("Bearer {}", fixture.token());
        let call = async {
            let mut headers = vec![("authorization", bearer.as_str())];
            headers.extend(parent.map(|parent| ("traceparent", parent)));
            fixture.answer(UNARY, &headers).await;
        };
        // The service's part runs in a task of its own, which the subscriber of this one does not reach
        // on its own; what it was told is what counts.
        call.with_subscriber(subscriber).await;
        let told = fixture
            .upstream
            .last()
            .headers
            .get("traceparent")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let spans = exporter.get_finished_spans().unwrap();
        let [client, server] = spans.as_slice() else {
            panic!("the gateway makes two spans: {spans:?}");
        };
        let trace = server.span_context.trace_id().to_string();
        if let Some(parent) = parent {
            assert!(parent.contains(&trace) && parent.contains(&server.parent_span_id.to_string()));
        }
        assert_eq!(client.parent_span_id, server.span_context.span_id());
        assert_eq!(
            told,
            format!("00-{trace}-{}-01", client.span_context.span_id())
        );
    }
}
