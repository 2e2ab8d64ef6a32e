//! The port for whoever runs a process: health, readiness, metrics, and the configuration in force. Never public.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Readiness;
use crate::telemetry::Metrics;

/// Section `admin` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Where to listen, by plain HTTP and without authentication: this host or the pod, nothing else. Unset: nowhere,
    /// and nothing is counted.
    pub address: Option<SocketAddr>,
}

/// What the port shows.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Whether calls may come.
    pub readiness: Readiness,
    /// What was counted.
    pub metrics: Metrics,
    /// The configuration in force, without secrets.
    pub configuration: String,
}

/// Serves until the drain begins. That the process is not ready any more is told for `drain.announce_ms` before.
pub async fn serve_admin(listener: TcpListener, admin: Admin, shutdown: CancellationToken) {
    let pages = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/config", get(configuration))
        .with_state(Arc::new(admin));
    let served = axum::serve(listener, pages).with_graceful_shutdown(shutdown.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the admin port failed");
    }
}

async fn ready(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    match admin.readiness.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    match admin.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            tracing::error!(error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn configuration(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "application/toml")],
        admin.configuration.clone(),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::convert::Infallible;

    use http::{Request, Response};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tonic::body::Body;
    use tower::{Layer as _, ServiceExt as _};

    use super::*;
    use crate::telemetry::{AccessLog, CallsLayer, count};

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn answered() {
        let service = tower::service_fn(|_: Request<Body>| async {
            let status = tonic::Status::not_found("no");
            Ok::<Response<Body>, Infallible>(status.into_http())
        });
        for path in [
            "/rapport.profiles.v1.CustomerService/GetCustomer",
            "/made/up",
        ] {
            let request = Request::post(path).body(Body::empty()).unwrap();
            let calls = CallsLayer::new(AccessLog::Off).layer(service);
            calls.oneshot(request).await.unwrap();
        }
    }

    /// A call that its caller gives up before there is an answer.
    async fn given_up() {
        let service = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Body>, Infallible>>()
        });
        let path = "/rapport.profiles.v1.CustomerService/ListCustomers";
        let request = Request::post(path).body(Body::empty()).unwrap();
        let call = CallsLayer::new(AccessLog::Off)
            .layer(service)
            .oneshot(request);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(1), call).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn it_tells_readiness_counts_and_the_configuration() {
        let metrics = count("test").unwrap();
        answered().await;
        given_up().await;
        let readiness = Readiness::starting().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let admin = Admin {
            readiness: readiness.clone(),
            metrics,
            configuration: "key = \"***\"".into(),
        };
        let served = tokio::spawn(serve_admin(listener, admin, shutdown.clone()));

        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        readiness.ready().await;
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/config").await.ends_with("key = \"***\""));
        assert!(get(address, "/other").await.starts_with("HTTP/1.1 404"));
        let text = get(address, "/metrics").await;
        for (method, code) in [
            (
                "rapport.profiles.v1.CustomerService/GetCustomer",
                "NOT_FOUND",
            ),
            ("_OTHER", "NOT_FOUND"),
            (
                "rapport.profiles.v1.CustomerService/ListCustomers",
                "CANCELLED",
            ),
        ] {
            let line = text.lines().find(|line| {
                line.starts_with("rpc_server_call_duration_seconds_count")
                    && line.contains(&format!("rpc_method=\"{method}\""))
            });
            let line = line.unwrap_or_else(|| panic!("{method} is not counted:\n{text}"));
            let code = format!("rpc_response_status_code=\"{code}\"");
            assert!(line.contains(&code), "{line}");
        }
        shutdown.cancel();
        served.await.unwrap();
    }
}
