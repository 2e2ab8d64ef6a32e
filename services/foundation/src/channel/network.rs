//! The network kind.

use std::error::Error as StdError;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tonic::body::Body;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tower::{BoxError, Service, ServiceExt as _};

use super::{Answer, body};
use crate::deadline;
use crate::error::{Code, Failure};

/// One window for the whole connection and one for each stream: small enough to bound memory, large
/// enough that one slow stream does not stop its neighbours.
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// How a neighbour behind TLS is recognised, and how this side shows who it is. All values are PEM.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The authorities that may have signed the server's certificate.
    pub ca: Vec<u8>,
    /// The name the server's certificate must bear, when it is not the host of the URL.
    pub server_name: Option<String>,
    /// This side's certificate and private key, for a server that asks for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// An address that cannot be connected to.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` cannot be used as the address of a service: {reason}")]
pub struct InvalidUrl {
    /// The address as it was given.
    pub url: String,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Clone)]
pub(super) struct Network(tonic::transport::Channel);

impl Network {
    pub(super) fn new(url: &str, tls: Option<&Tls>) -> Result<Self, InvalidUrl> {
        let invalid = |reason: String| InvalidUrl {
            url: url.to_owned(),
            reason,
        };
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|error| invalid(error.to_string()))?
            .connect_timeout(Duration::from_secs(2))
            .tcp_nodelay(true)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            // A peer that vanished without a word is noticed within 20 s, even with no call running.
            .http2_keep_alive_interval(Duration::from_secs(15))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true);
        if endpoint.uri().host().is_none() {
            return Err(invalid("it names no host".into()));
        }
        match (endpoint.uri().scheme_str(), tls) {
            (Some("http"), None) => (),
            (Some("https"), Some(tls)) => {
                endpoint = endpoint
                    .tls_config(client_tls(tls))
                    .map_err(|error| invalid(error.to_string()))?;
            }
            (Some("https"), None) => return Err(invalid("https needs TLS settings".into())),
            (Some("http"), Some(_)) => {
                return Err(invalid(
                    "TLS is configured, so it must begin with https".into(),
                ));
            }
            _ => return Err(invalid("it must begin with http:// or https://".into())),
        }
        Ok(Network(endpoint.connect_lazy()))
    }
}

impl Service<Request<Body>> for Network {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Readiness belongs to the clone that makes the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        // The transport reads grpc-timeout too and would answer CANCELLED at the same moment.
        let limit = deadline::stated(request.headers());
        if request
            .headers_mut()
            .remove(deadline::GRPC_TIMEOUT)
            .is_some()
            && let Some(limit) = limit
        {
            deadline::state(request.headers_mut(), limit);
        }
        let call = self.0.clone().oneshot(request);
        Box::pin(async move {
            let answer = match limit {
                Some(limit) => tokio::time::timeout(limit, call).await,
                None => Ok(call.await),
            };
            match answer {
                Ok(Ok(response)) => Ok(response.map(body::connected)),
                Ok(Err(error)) => Ok(tonic::Status::from(verdict(&error)).into_http()),
                Err(_) => Ok(tonic::Status::from(deadline::exceeded()).into_http()),
            }
        })
    }
}

fn client_tls(tls: &Tls) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.ca));
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    if let Some((certificate, key)) = &tls.identity {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    config
}

/// What to answer for a call that brought no response. Everything but a passed deadline is UNAVAILABLE:
/// whether the far side did the work is not known, and every mutation may be retried.
fn verdict(error: &(dyn StdError + 'static)) -> Failure {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if inner.is::<tonic::TimeoutExpired>() {
            return deadline::exceeded();
        }
        cause = inner.source();
    }
    tracing::warn!(error = %Chain(error), "a service could not be reached");
    unavailable()
}

/// What to answer when the connection broke in the middle of an answer.
pub(super) fn broken(status: &tonic::Status) -> Failure {
    tracing::warn!(error = %Chain(status), "the connection to a service broke");
    unavailable()
}

/// Fixed text: addresses and the words of the system are not for callers.
pub(super) fn unavailable() -> Failure {
    Failure::new(
        Code::Unavailable,
        "SERVICE_UNREACHABLE",
        "A part of the suite cannot be reached at the moment.",
    )
    .retry_after(Duration::from_millis(500))
}

/// An error and its causes in one line.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
