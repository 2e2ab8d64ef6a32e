//! A certificate authority of a test.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};

/// The name in the certificates of servers.
pub const SERVER_NAME: &str = "localhost";

/// Signs certificates for servers and clients.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    clippy::expect_used,
    reason = "a test cannot go on without its certificates"
)]
impl Authority {
    /// A fresh one that nobody knows.
    ///
    /// # Panics
    /// When the random source fails.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "An authority");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// Its own certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Certificate and key of a server called [`SERVER_NAME`], which is also at the loopback address.
    ///
    /// # Panics
    /// When the random source fails.
    #[must_use]
    pub fn server(&self) -> (String, String) {
        let names = vec![SERVER_NAME.to_owned(), "127.0.0.1".to_owned()];
        self.sign(CertificateParams::new(names).expect("names"))
    }

    /// Certificate and key of a client with this SPIFFE id.
    ///
    /// # Panics
    /// When the id cannot stand in a certificate.
    #[must_use]
    pub fn client(&self, id: &str) -> (String, String) {
        self.sign(with_id(id))
    }

    /// The same, of a time that is over.
    ///
    /// # Panics
    /// When the id cannot stand in a certificate.
    #[must_use]
    pub fn expired(&self, id: &str) -> (String, String) {
        let mut params = with_id(id);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signature");
        (certificate.pem(), key.serialize_pem())
    }
}

#[expect(clippy::expect_used, reason = "ids of tests are ASCII")]
fn with_id(id: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let uri = id.try_into().expect("an ASCII id");
    params.subject_alt_names.push(SanType::URI(uri));
    params
}
