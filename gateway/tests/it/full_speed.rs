//! Honest clients that do much: nothing that keeps floods out may meet them.

use futures::StreamExt as _;
use tonic::client::Grpc;

use crate::fixture::Fixture;
use crate::upstream::{BIDI, SERVER_STREAM};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_at_full_speed_is_never_taken_for_a_flood() {
    let fixture = Fixture::open().await;
    // It measures the way with a PING for what arrives, and opens windows as it reads.
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", fixture.address));
    let endpoint = endpoint
        .unwrap()
        .http2_adaptive_window(true)
        .tcp_nodelay(true);
    let mut grpc = Grpc::new(endpoint.connect().await.unwrap());
    let bearer = format!("Bearer {}", fixture.token());
    for length in [10, 10_000] {
        let texts = futures::stream::iter(0..5_000).map(move |_| "x".repeat(length));
        let mut request = tonic::Request::new(texts);
        let headers = request.metadata_mut();
        headers.insert("authorization", bearer.parse().unwrap());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<String, String>::default();
        let answers = grpc.streaming(request, BIDI.parse().unwrap(), codec).await;
        let answers: Vec<_> = answers.unwrap().into_inner().collect().await;
        assert_eq!(answers.len(), 5_000);
        assert!(answers.iter().all(Result::is_ok), "{:?}", answers.last());
    }
    for _ in 0..2_000 {
        // Called and given up, again and again.
        let mut request = tonic::Request::new("wait".to_owned());
        let headers = request.metadata_mut();
        headers.insert("authorization", bearer.parse().unwrap());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<String, String>::default();
        let call = grpc.server_streaming(request, SERVER_STREAM.parse().unwrap(), codec);
        drop(call.await.unwrap());
    }
}
