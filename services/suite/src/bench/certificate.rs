//! A certificate for a listener of this host, made for one run.

use std::path::PathBuf;
use std::sync::Arc;

use rapport_foundation::tls::{ClientFiles, ClientTls};
use rustls::ClientConfig;
use tempfile::TempDir;

use crate::error::Error;

/// The certificate and its key, as files.
pub(super) struct Certificate {
    dir: TempDir,
    pub(super) pem: Vec<u8>,
}

impl Certificate {
    pub(super) fn new() -> Result<Self, Error> {
        let unmade = |error: rcgen::Error| Error::Bench(format!("no certificate: {error}"));
        let unkept = |source| Error::Io {
            what: "a certificate for the run".into(),
            source,
        };
        let names = ["127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(unmade)?;
        let this = Certificate {
            dir: TempDir::new().map_err(unkept)?,
            pem: made.cert.pem().into_bytes(),
        };
        std::fs::write(this.certificate(), &this.pem).map_err(unkept)?;
        std::fs::write(this.key(), made.signing_key.serialize_pem()).map_err(unkept)?;
        Ok(this)
    }

    fn certificate(&self) -> PathBuf {
        self.dir.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    /// What a gateway is told to listen with it.
    pub(super) fn settings(&self) -> [(String, String); 2] {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        [
            (
                "gateway.listen.tls.certificate_file".into(),
                text(self.certificate()),
            ),
            ("gateway.listen.tls.key_file".into(), text(self.key())),
        ]
    }

    /// What a client connects with that trusts it.
    pub(super) fn trusted(&self) -> Result<Arc<ClientConfig>, Error> {
        let files = ClientFiles {
            ca: self.certificate(),
            identity: None,
        };
        let tls = ClientTls::open(files);
        tls.map(|tls| tls.current())
            .map_err(|error| Error::Bench(error.to_string()))
    }
}
