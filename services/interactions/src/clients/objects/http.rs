//! Object storage over the suite's own connections: one TLS, one set of authorities, no second HTTP client.

use std::path::PathBuf;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use rapport_foundation::http_client::{Error, Exchanges, HttpClientConfig};

/// Connections kept to the bucket while nothing is asked: as many as transfers come and go.
const IDLE: usize = 32;

/// Makes the client. The address is the operator's own choice, so private ones may be called.
#[derive(Debug)]
pub(super) struct Connector {
    ca_file: Option<PathBuf>,
}

impl Connector {
    pub(super) const fn new(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let config = HttpClientConfig {
            allow_private_addresses: true,
            ca_file: self.ca_file.clone(),
            ..HttpClientConfig::default()
        };
        let exchanges =
            Exchanges::new(&config, IDLE).map_err(|error| object_store::Error::Generic {
                store: "S3",
                source: Box::new(error),
            })?;
        Ok(HttpClient::new(Service(exchanges)))
    }
}

#[derive(Debug)]
struct Service(Exchanges<HttpRequestBody>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.send(request).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        Ok(HttpResponse::from_parts(head, body_of(body)))
    }
}

fn body_of<B>(body: B) -> HttpResponseBody
where
    B: http_body::Body<Data = bytes::Bytes> + Send + Sync + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    use http_body_util::BodyExt as _;
    let broken = |error: B::Error| HttpError::new(HttpErrorKind::Interrupted, error);
    HttpResponseBody::new(body.map_err(broken))
}

fn failed(error: Error) -> HttpError {
    let kind = match &error {
        Error::Connect { .. } | Error::PrivateAddress(_) => HttpErrorKind::Connect,
        Error::Timeout => HttpErrorKind::Timeout,
        _ => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error)
}
