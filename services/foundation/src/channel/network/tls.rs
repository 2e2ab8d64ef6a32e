//! What connections to a service behind TLS are made with.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::tls::{self, ClientTls, TlsError};

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

/// TLS for the connections of a pool.
#[derive(Debug, Clone)]
pub(super) struct Secure {
    source: Source,
    /// The name to expect, when it is not the host.
    server_name: Option<String>,
}

#[derive(Debug, Clone)]
enum Source {
    Fixed(Arc<ClientConfig>),
    Files(ClientTls),
}

impl Secure {
    pub(super) fn fixed(given: &Tls) -> Result<Self, TlsError> {
        let (ca, own) = (Path::new("ca"), Path::new("identity"));
        let identity = match &given.identity {
            None => None,
            Some((chain, key)) => {
                Some((tls::certificates(own, chain)?, tls::private_key(own, key)?))
            }
        };
        let config =
            tls::client(tls::roots(ca, &given.ca)?, identity).map_err(|error| TlsError {
                path: own.to_owned(),
                problem: error.to_string(),
            })?;
        Ok(Secure {
            source: Source::Fixed(Arc::new(config)),
            server_name: given.server_name.clone(),
        })
    }

    pub(super) fn files(tls: &ClientTls) -> Self {
        Secure {
            source: Source::Files(tls.clone()),
            server_name: None,
        }
    }

    /// What the next connection is made with.
    pub(super) fn current(
        &self,
        host: &str,
    ) -> io::Result<(Arc<ClientConfig>, ServerName<'static>)> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let config = match &self.source {
            Source::Fixed(config) => Arc::clone(config),
            Source::Files(files) => files.current(),
        };
        Ok((config, name))
    }
}
