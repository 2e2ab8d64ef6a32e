//! TLS whose certificates, keys and authorities are read again when their files change.
//!
//! A listener takes [`ServerTls::current`] for each new connection, a client [`ClientTls::current`]: what is open keeps
//! what it was opened with, and ends by its age. Files that cannot be used are told once and the last good ones stay.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_util::sync::CancellationToken;

mod peers;

/// How often files are looked at: certificates are to be picked up within a minute.
pub const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// A certificate, key or authority that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct TlsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl TlsError {
    fn new(path: &Path, problem: impl ToString) -> Self {
        TlsError {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

/// What a listener shows, and whom it lets in. All files are PEM.
#[derive(Debug, Clone)]
pub struct ServerFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority of the clients' certificates.
    pub client_ca: Option<PathBuf>,
    /// Whether a client without a certificate is let in when there is an authority. Without `peers` only.
    pub client_optional: bool,
    /// The SPIFFE ids of which a client's certificate must bear one. Empty: whoever the authority vouches for.
    pub peers: Vec<String>,
    /// The protocols that are spoken, best first: `h2`, `http/1.1`.
    pub alpn: Vec<Vec<u8>>,
}

/// How a server is recognised, and what is shown to it. All files are PEM.
#[derive(Debug, Clone)]
pub struct ClientFiles {
    /// The authorities that may have signed the server's certificate.
    pub ca: PathBuf,
    /// This side's certificate chain and private key, for a server that asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A listener's TLS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ServerTls(Arc<Reloaded<ServerFiles, ServerConfig>>);

/// A client's TLS, HTTP/2 only. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ClientTls(Arc<Reloaded<ClientFiles, ClientConfig>>);

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn open(files: ServerFiles) -> Result<Self, TlsError> {
        Reloaded::open(files).map(|inner| ServerTls(Arc::new(inner)))
    }

    /// What the next connection is accepted with.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.0.current.load_full()
    }

    /// Looks at the files now. Says whether they had changed and can be used.
    pub fn reload(&self) -> bool {
        self.0.reload()
    }

    /// Looks at the files again and again until `stop`.
    pub async fn keep_fresh(self, every: Duration, stop: CancellationToken) {
        keep_fresh(every, stop, move || self.reload()).await;
    }
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn open(files: ClientFiles) -> Result<Self, TlsError> {
        Reloaded::open(files).map(|inner| ClientTls(Arc::new(inner)))
    }

    /// What the next connection is made with.
    pub fn current(&self) -> Arc<ClientConfig> {
        self.0.current.load_full()
    }

    /// Looks at the files now. Says whether they had changed and can be used.
    pub fn reload(&self) -> bool {
        self.0.reload()
    }

    /// Looks at the files again and again until `stop`.
    pub async fn keep_fresh(self, every: Duration, stop: CancellationToken) {
        keep_fresh(every, stop, move || self.reload()).await;
    }
}

async fn keep_fresh(
    every: Duration,
    stop: CancellationToken,
    reload: impl Fn() -> bool + Send + Sync + 'static,
) {
    let reload = Arc::new(reload);
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => (),
            () = stop.cancelled() => return,
        }
        let reload = Arc::clone(&reload);
        // A slow disk must not hold up calls.
        let _ = tokio::task::spawn_blocking(move || reload()).await;
    }
}

/// Files, and what was made of them last.
#[derive(Debug)]
struct Reloaded<F, C> {
    files: F,
    current: ArcSwap<C>,
    /// The contents seen last, good or not: a fault is told once.
    seen: Mutex<Contents>,
}

/// The files in order; contents and not times, because a volume that is swapped keeps its times.
type Contents = Vec<(PathBuf, Vec<u8>)>;

/// Files of which a configuration can be made.
trait Material<C> {
    fn paths(&self) -> Vec<&PathBuf>;
    fn build(&self, contents: &Contents) -> Result<C, TlsError>;
}

impl<F: Material<C>, C> Reloaded<F, C> {
    fn open(files: F) -> Result<Self, TlsError> {
        let contents = read(&files.paths())?;
        let built = files.build(&contents)?;
        Ok(Reloaded {
            files,
            current: ArcSwap::from_pointee(built),
            seen: Mutex::new(contents),
        })
    }

    fn reload(&self) -> bool {
        let contents = match read(&self.files.paths()) {
            Ok(contents) => contents,
            Err(error) => {
                tracing::warn!(%error, "a TLS file cannot be read; the last one stays in use");
                return false;
            }
        };
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == contents {
                return false;
            }
            seen.clone_from(&contents);
        }
        match self.files.build(&contents) {
            Ok(built) => {
                self.current.store(Arc::new(built));
                tracing::info!("new TLS files are in use");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "new TLS files cannot be used; the last ones stay in use");
                false
            }
        }
    }
}

fn read(paths: &[&PathBuf]) -> Result<Contents, TlsError> {
    let read = |path: &&PathBuf| match std::fs::read(path) {
        Ok(content) => Ok(((*path).clone(), content)),
        Err(error) => Err(TlsError::new(path, error)),
    };
    paths.iter().map(read).collect()
}

impl Material<ServerConfig> for ServerFiles {
    fn paths(&self) -> Vec<&PathBuf> {
        let own = [&self.certificate, &self.key];
        own.into_iter().chain(&self.client_ca).collect()
    }

    fn build(&self, contents: &Contents) -> Result<ServerConfig, TlsError> {
        let provider = provider();
        let failed = |error: rustls::Error| TlsError::new(&self.certificate, error);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let builder = match contents.get(2) {
            None => builder.with_no_client_auth(),
            Some((path, pem)) => {
                let roots = Arc::new(authorities(path, pem)?);
                let clients = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let clients = match self.client_optional {
                    true => clients.allow_unauthenticated(),
                    false => clients,
                };
                let verifier = clients
                    .build()
                    .map_err(|error| TlsError::new(path, error))?;
                builder.with_client_cert_verifier(peers::among(verifier, &self.peers))
            }
        };
        let chain = certificates(&contents[0].0, &contents[0].1)?;
        let key = private_key(&contents[1].0, &contents[1].1)?;
        let mut config = builder.with_single_cert(chain, key).map_err(failed)?;
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}

impl Material<ClientConfig> for ClientFiles {
    fn paths(&self) -> Vec<&PathBuf> {
        let identity = self.identity.iter().flat_map(|(chain, key)| [chain, key]);
        std::iter::once(&self.ca).chain(identity).collect()
    }

    fn build(&self, contents: &Contents) -> Result<ClientConfig, TlsError> {
        let identity = match &contents[1..] {
            [(chain_file, chain), (key_file, key)] => Some((
                certificates(chain_file, chain)?,
                private_key(key_file, key)?,
            )),
            _ => None,
        };
        client(roots(&contents[0].0, &contents[0].1)?, identity)
            .map_err(|error| TlsError::new(&self.ca, error))
    }
}

/// A client's configuration, HTTP/2 only.
pub(crate) fn client(
    roots: RootCertStore,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The authorities of clients. One that cannot be read would shut out everybody it vouches for, so it is refused.
fn authorities(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path, pem)? {
        roots
            .add(authority)
            .map_err(|error| TlsError::new(path, error))?;
    }
    Ok(roots)
}

pub(crate) fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path, pem)?);
    match added {
        0 => Err(TlsError::new(path, "it holds no certificate")),
        _ => Ok(roots),
    }
}

pub(crate) fn certificates(
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::new(path, error))
}

pub(crate) fn private_key(path: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| TlsError::new(path, error))
}

#[cfg(test)]
mod tests;
