//! The listener's certificate and authorities, taken up from their files again and again without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rapport_foundation::service::{Task, TlsFiles};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::ClientCertificates;
use crate::error::OpenError;

/// What new connections are opened with. Those that are open keep what they were opened with.
#[derive(Clone)]
pub(super) struct Tls(Arc<ArcSwap<ServerConfig>>);

/// Reads the files, and again whether they say something else.
struct Keeper {
    tls: Tls,
    source: Source,
    /// What was looked at last, good or not.
    seen: Contents,
}

/// Where certificate, key and authorities are.
struct Source {
    files: TlsFiles,
    clients: ClientCertificates,
}

/// The bytes of the files. Compared as a whole: a moment of change is coarse on some file systems, and a mounted secret
/// is changed by moving a link.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files and gives the task that looks at them again.
    pub(super) fn open(
        files: &TlsFiles,
        clients: ClientCertificates,
        every: Duration,
        shutdown: CancellationToken,
    ) -> Result<(Self, Task), OpenError> {
        let source = Source {
            files: files.clone(),
            clients,
        };
        let seen = source.read()?;
        let tls = Tls(Arc::new(ArcSwap::from_pointee(source.config(&seen)?)));
        let keeper = Keeper {
            tls: tls.clone(),
            source,
            seen,
        };
        Ok((
            tls,
            Task::spawn("listener certificate", keeper.run(every, shutdown)),
        ))
    }

    /// What a connection that comes now is opened with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}

impl Keeper {
    async fn run(mut self, every: Duration, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => (),
                () = shutdown.cancelled() => return,
            }
            self.look();
        }
    }

    /// Small files, a few times a minute: read in place.
    fn look(&mut self) {
        let problem = match self.source.read() {
            Ok(contents) if contents == self.seen => return,
            Ok(contents) => {
                let config = self.source.config(&contents);
                // Told once: a pair that is half written is whole the next time.
                self.seen = contents;
                match config {
                    Ok(config) => {
                        self.tls.0.store(Arc::new(config));
                        tracing::info!("the listener's certificate was read again");
                        return;
                    }
                    Err(problem) => problem,
                }
            }
            Err(problem) => problem,
        };
        tracing::error!(%problem, "the listener's certificate cannot be taken up; the last good one stays");
    }
}

impl Source {
    fn read(&self) -> Result<Contents, OpenError> {
        let read = |path: &PathBuf| std::fs::read(path).map_err(|error| wrong(path, error));
        let client_ca = self.files.client_ca_file.as_ref().map(read).transpose()?;
        Ok(Contents {
            certificate: read(&self.files.certificate_file)?,
            key: read(&self.files.key_file)?,
            client_ca,
        })
    }

    fn config(&self, contents: &Contents) -> Result<ServerConfig, OpenError> {
        let files = &self.files;
        let chain = certificates(&files.certificate_file, &contents.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|error| wrong(&files.key_file, error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&files.certificate_file, error))?;
        let builder = match (&files.client_ca_file, &contents.client_ca) {
            (Some(path), Some(pem)) => builder.with_client_cert_verifier(self.verifier(path, pem)?),
            _ => builder.with_no_client_auth(),
        };
        // Refuses a key that is not the certificate's.
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| wrong(&files.certificate_file, error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(&self, path: &Path, pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, OpenError> {
        let mut roots = rustls::RootCertStore::empty();
        for authority in certificates(path, pem)? {
            roots.add(authority).map_err(|error| wrong(path, error))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match self.clients {
            ClientCertificates::Required => builder,
            ClientCertificates::Optional => builder.allow_unauthenticated(),
        };
        builder.build().map_err(|error| wrong(path, error))
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(path, error))
}

fn wrong(path: &Path, problem: impl ToString) -> OpenError {
    OpenError::File {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn write(folder: &Path, certificate: &str, key: &str) {
        std::fs::write(folder.join("cert.pem"), certificate).unwrap();
        std::fs::write(folder.join("key.pem"), key).unwrap();
    }

    #[tokio::test]
    async fn a_broken_pair_keeps_the_old_one_and_a_whole_one_takes_its_place() {
        let pair = || {
            let pair = rcgen::generate_simple_self_signed(["gate.test".to_owned()]).unwrap();
            (pair.cert.pem(), pair.signing_key.serialize_pem())
        };
        let (first, second) = (pair(), pair());
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &first.0, &first.1);
        let source = Source {
            files: TlsFiles {
                certificate_file: folder.path().join("cert.pem"),
                key_file: folder.path().join("key.pem"),
                client_ca_file: None,
            },
            clients: ClientCertificates::Required,
        };
        let seen = source.read().unwrap();
        let tls = Tls(Arc::new(ArcSwap::from_pointee(
            source.config(&seen).unwrap(),
        )));
        let mut keeper = Keeper {
            tls: tls.clone(),
            source,
            seen,
        };
        let old = tls.0.load_full();
        for (certificate, key) in [
            (first.0.as_str(), first.1.as_str()),
            (&second.0, &first.1),
            (&first.0, "nonsense"),
            ("", &second.1),
        ] {
            write(folder.path(), certificate, key);
            keeper.look();
            assert!(Arc::ptr_eq(&old, &tls.0.load_full()), "{key}");
        }
        std::fs::remove_file(folder.path().join("key.pem")).unwrap();
        keeper.look();
        assert!(Arc::ptr_eq(&old, &tls.0.load_full()), "gone");
        write(folder.path(), &second.0, &second.1);
        keeper.look();
        let new = tls.0.load_full();
        assert!(!Arc::ptr_eq(&old, &new));
        // The same content again forgets no session.
        write(folder.path(), &second.0, &second.1);
        keeper.look();
        assert!(Arc::ptr_eq(&new, &tls.0.load_full()));
    }
}
