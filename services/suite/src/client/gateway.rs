//! The way to a gateway, and a token on every call.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// How long a single call waits: what the gateway grants at most where somebody waits. Said nothing, it grants
/// less, and a busy machine needs more.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What generated clients are built on.
pub type Authorised = InterceptedService<Channel, Bearer>;

/// Why a gateway cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("`{url}` is no address of a gateway: {reason}")]
    Address {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token has characters that no header may carry.
    #[error("the token is no token: it has characters that cannot be sent")]
    Token,
}

/// The way to one gateway. Connects on first use and again whenever the connection was lost.
#[derive(Debug, Clone)]
pub struct Gateway {
    channel: Channel,
}

impl Gateway {
    /// The gateway at `http://host:port`, or at `https://…` with the PEM of the authority that signed its
    /// certificate. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address or the certificate cannot be used.
    pub fn at(url: &str, authority_pem: Option<&[u8]>) -> Result<Self, Error> {
        let refused = |reason: String| Error::Address {
            url: url.to_owned(),
            reason,
        };
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|error| refused(error.to_string()))?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .initial_connection_window_size(4 * 1024 * 1024)
            .initial_stream_window_size(1024 * 1024)
            .http2_keep_alive_interval(Duration::from_secs(15))
            .keep_alive_timeout(Duration::from_secs(5));
        if endpoint.uri().host().is_none() {
            return Err(refused("it names no host".into()));
        }
        if endpoint.uri().scheme_str() == Some("https") {
            let pem = authority_pem.ok_or_else(|| {
                refused("https needs the certificate of its authority (--ca)".into())
            })?;
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
            endpoint = endpoint
                .tls_config(tls)
                .map_err(|error| refused(error.to_string()))?;
        }
        Ok(Gateway {
            channel: endpoint.connect_lazy(),
        })
    }

    /// The same way, presenting a token: `InteractionServiceClient::new(gateway.presenting(token)?)`.
    ///
    /// # Errors
    /// When the token cannot be sent.
    pub fn presenting(&self, token: &str) -> Result<Authorised, Error> {
        let bearer = Bearer::new(token)?;
        Ok(InterceptedService::new(self.channel.clone(), bearer))
    }
}

/// Puts a token on every call.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// # Errors
    /// When the token cannot be sent.
    pub fn new(token: &str) -> Result<Self, Error> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.trim())
            .parse()
            .map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(Bearer(value))
    }
}

impl Interceptor for Bearer {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        let method = request.extensions().get::<tonic::GrpcMethod<'_>>();
        if method.is_some_and(|method| !is_streaming(method)) {
            request.set_timeout(PATIENCE);
        }
        Ok(request)
    }
}

/// A stream's timeout would end the stream.
fn is_streaming(method: &tonic::GrpcMethod<'_>) -> bool {
    let services = rapport_proto::pool().get_service_by_name(method.service());
    let known = services.and_then(|service| {
        service
            .methods()
            .find(|known| known.name() == method.method())
    });
    known.is_none_or(|method| method.is_client_streaming() || method.is_server_streaming())
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(***)")
    }
}
