//! Files kept in a bucket: as much of S3 as is asked of one, on this machine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use rapport_foundation::config::Secret;
use rapport_interactions::{Config, Place, S3Config};
use tonic::Code;

use crate::media::{Uploads as _, content, uploaded};
use crate::stage::{on_every_engine, quick, refused};

/// What a bucket holds, and how many requests it still refuses because it is busy.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Bytes>,
    busy: usize,
    unsigned: usize,
}

type Shared = Arc<Mutex<Bucket>>;

async fn answer(State(bucket): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 4 * 1024 * 1024).await.unwrap();
    let mut bucket = bucket.lock().unwrap();
    let signed = head.headers.get("authorization").is_some_and(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.starts_with("AWS4-HMAC-SHA256 Credential=canary-id/"))
    });
    bucket.unsigned += usize::from(!signed);
    if bucket.busy > 0 {
        bucket.busy -= 1;
        return plain(StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
    }
    let key = head.uri.path().to_owned();
    match head.method {
        Method::PUT => {
            bucket.objects.insert(key, body);
            plain(StatusCode::OK, Bytes::new())
        }
        Method::GET => match bucket.objects.get(&key) {
            Some(object) => ranged(object, &head.headers),
            None => plain(StatusCode::NOT_FOUND, Bytes::new()),
        },
        Method::DELETE => {
            bucket.objects.remove(&key);
            plain(StatusCode::NO_CONTENT, Bytes::new())
        }
        _ => plain(StatusCode::NOT_IMPLEMENTED, Bytes::new()),
    }
}

fn plain(status: StatusCode, body: Bytes) -> Response {
    Response::builder()
        .status(status)
        .header("etag", "\"1\"")
        .header("last-modified", "Thu, 26 Nov 2026 00:00:00 GMT")
        .body(Body::from(body))
        .unwrap()
}

fn ranged(object: &Bytes, headers: &HeaderMap) -> Response {
    let range = headers["range"].to_str().unwrap();
    let (start, last) = range
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    let (start, last): (usize, usize) = (start.parse().unwrap(), last.parse().unwrap());
    let mut response = plain(
        StatusCode::PARTIAL_CONTENT,
        object.slice(start..=last.min(object.len() - 1)),
    );
    let told = format!("bytes {start}-{last}/{}", object.len());
    let headers = response.headers_mut();
    headers.insert("content-range", told.parse().unwrap());
    response
}

/// A bucket that is listened for, and the settings that lead to it.
async fn bucket() -> (Shared, Config) {
    let bucket = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&bucket));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut config = quick();
    config.media.place = Place::S3;
    config.media.s3 = S3Config {
        bucket: "files".into(),
        region: "ap-southeast-1".into(),
        endpoint,
        access_key_id: Some(Secret::new("canary-id")),
        secret_access_key: Some(Secret::new("canary-secret")),
        ..S3Config::default()
    };
    (bucket, config)
}

#[tokio::test]
async fn files_are_kept_in_a_bucket_that_is_sometimes_busy() {
    let (bucket, config) = bucket().await;
    on_every_engine(config, async |stage| {
        bucket.lock().unwrap().busy = 1;
        let bytes = content(1_500_000);
        let media = uploaded(&stage, &bytes).await;
        assert_eq!(
            stage.download(&media.id, 1_000_000, 100_000).await,
            bytes[1_000_000..1_100_000]
        );
        bucket.lock().unwrap().busy = 1;
        assert_eq!(stage.download(&media.id, 0, 0).await, bytes);
        {
            let mut held = bucket.lock().unwrap();
            assert_eq!(held.unsigned, 0);
            let prefix = format!("/files/{}/{}/", stage.tenant, media.id);
            assert!(!held.objects.is_empty());
            assert!(held.objects.keys().all(|key| key.starts_with(&prefix)));
            held.objects.clear();
        }
        let lost = stage.try_download(&media.id, 0, 0).await;
        refused(lost, Code::DataLoss, "MEDIA_LOST");
    })
    .await;
}

#[tokio::test]
async fn secrets_of_the_bucket_are_not_shown() {
    let (_, config) = bucket().await;
    for shown in [
        format!("{config:?}"),
        serde_json::to_string(&config).unwrap(),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}
