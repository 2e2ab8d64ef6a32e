//! Clients that must be somebody in particular, not only somebody of the house.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Lets in whom `verifier` lets in and whose certificate bears one of these SPIFFE ids. No ids: anybody it lets in.
pub(super) fn among(
    verifier: Arc<dyn ClientCertVerifier>,
    peers: &[String],
) -> Arc<dyn ClientCertVerifier> {
    match peers {
        [] => verifier,
        peers => Arc::new(Among {
            verifier,
            peers: peers.to_vec(),
        }),
    }
}

#[derive(Debug)]
struct Among {
    verifier: Arc<dyn ClientCertVerifier>,
    peers: Vec<String>,
}

/// Whether the certificate names one of these ids among its URIs. Exactly one URI is allowed (SPIFFE X509-SVID §2).
fn is_among(certificate: &CertificateDer<'_>, peers: &[String]) -> bool {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else {
        return false;
    };
    let mut ids = certificate.valid_uri_names();
    let (id, another) = (ids.next(), ids.next());
    another.is_none() && id.is_some_and(|id| peers.iter().any(|peer| peer == id))
}

impl ClientCertVerifier for Among {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .verifier
            .verify_client_cert(end_entity, intermediates, now)?;
        match is_among(end_entity, &self.peers) {
            true => Ok(verified),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
