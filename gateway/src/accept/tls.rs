//! The listener's certificate and authorities, taken up from their files again and again without a restart.

use std::time::Duration;

use rapport_foundation::service::{Task, TlsFiles};
use rapport_foundation::tls::{ServerFiles, ServerTls, TlsError};
use tokio_util::sync::CancellationToken;

use crate::config::{ClientCertificates, Listen};
use crate::error::OpenError;

/// Reads the files of a listener that has some, and gives the task that looks at them again.
pub(super) fn open(
    listen: &Listen,
    shutdown: CancellationToken,
) -> Result<Option<(ServerTls, Task)>, OpenError> {
    let Some(files) = &listen.tls else {
        return Ok(None);
    };
    let tls = ServerTls::open(material(files, listen.client_certificates))?;
    let every = Duration::from_secs(listen.tls_reload_seconds.max(1));
    let fresh = tls.clone().keep_fresh(every, shutdown);
    Ok(Some((tls, Task::spawn("listener certificate", fresh))))
}

fn material(files: &TlsFiles, clients: ClientCertificates) -> ServerFiles {
    ServerFiles {
        certificate: files.certificate_file.clone(),
        key: files.key_file.clone(),
        client_ca: files.client_ca_file.clone(),
        client_optional: clients == ClientCertificates::Optional,
        peers: Vec::new(),
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    }
}

impl From<TlsError> for OpenError {
    fn from(error: TlsError) -> Self {
        OpenError::File {
            path: error.path,
            problem: error.problem,
        }
    }
}
