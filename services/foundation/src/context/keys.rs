//! Keys: who may sign, and whose signatures are believed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use super::{Signer, Verifier};
use crate::role::Role;
use crate::time::Clock;

/// The DER header in front of the 32 raw bytes of every Ed25519 public key (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why a key could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file or directory could not be read or written.
    #[error("cannot access key file {path}: {source}", path = path.display())]
    Access {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds no Ed25519 key in the expected PEM form.
    #[error("{path} holds no Ed25519 key in {form} PEM form", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The PEM form that was expected.
        form: &'static str,
    },
    /// A directory of public keys is empty, so that nobody could be believed.
    #[error("{path} holds no public key (*.pem)", path = path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// This set holds no private key of the role.
    #[error("no private key of role `{0}` is at hand")]
    NotHeld(Role),
    /// The random source failed.
    #[error("no key could be generated")]
    Generate,
}

/// A private key and the principal that signs with it.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) principal: String,
    pub(super) id: String,
    pub(super) pair: Arc<Ed25519KeyPair>,
}

impl SigningKey {
    /// A fresh key that lives in memory only.
    ///
    /// # Errors
    /// [`KeyError::Generate`] when the random source fails.
    pub fn generate(principal: &str) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?;
        Ok(Self::of(principal, pair))
    }

    /// Reads a PKCS#8 PEM file.
    ///
    /// # Errors
    /// When the file cannot be read or is no Ed25519 key.
    pub fn read(principal: &str, file: &Path) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed {
            path: file.to_owned(),
            form: "PKCS#8",
        };
        let pem = read(file)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| malformed())?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| malformed())?;
        Ok(Self::of(principal, pair))
    }

    /// The public half, as others trust it.
    pub fn trusted(&self) -> TrustedKey {
        TrustedKey::of(&self.principal, self.pair.public_key().as_ref())
    }

    fn of(principal: &str, pair: Ed25519KeyPair) -> Self {
        SigningKey {
            id: key_id(pair.public_key().as_ref()),
            principal: principal.to_owned(),
            pair: Arc::new(pair),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} {})", self.principal, self.id)
    }
}

/// A public key and the principal that may be named in what it signs.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    pub(super) principal: String,
    pub(super) id: String,
    pub(super) key: UnparsedPublicKey<Vec<u8>>,
}

impl TrustedKey {
    fn of(principal: &str, raw: &[u8]) -> Self {
        TrustedKey {
            principal: principal.to_owned(),
            id: key_id(raw),
            key: UnparsedPublicKey::new(&ED25519, raw.to_vec()),
        }
    }

    /// Whether the key may sign for a principal: the gateway's for anybody, a service's for itself.
    pub(super) fn may_sign_for(&self, principal: &str) -> bool {
        self.principal == Role::Gateway.service_principal() || self.principal == principal
    }
}

/// The public keys a verifier believes, by key id.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys(pub(super) HashMap<String, TrustedKey>);

impl TrustedKeys {
    /// Reads every `*.pem` of a directory. The file name up to its first dot is the principal, so
    /// that `gateway.pem` and `gateway.next.pem` may stand side by side while keys are rotated.
    ///
    /// # Errors
    /// When a file cannot be read, is no Ed25519 public key, or there is none at all.
    pub fn read_dir(directory: &Path) -> Result<Self, KeyError> {
        let access = |source| KeyError::Access {
            path: directory.to_owned(),
            source,
        };
        let mut keys = TrustedKeys::default();
        for entry in std::fs::read_dir(directory).map_err(access)? {
            let path = entry.map_err(access)?.path();
            if path.extension().is_none_or(|extension| extension != "pem") {
                continue;
            }
            let principal = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.split('.').next())
                .unwrap_or_default()
                .to_owned();
            keys.add(TrustedKey::of(&principal, &read_public(&path)?));
        }
        if keys.0.is_empty() {
            return Err(KeyError::Empty {
                path: directory.to_owned(),
            });
        }
        Ok(keys)
    }

    /// Believes one more key.
    pub fn add(&mut self, key: TrustedKey) {
        self.0.insert(key.id.clone(), key);
    }
}

/// The private keys this process holds and the public keys it believes.
#[derive(Debug, Clone)]
pub struct KeySet {
    held: Vec<SigningKey>,
    trusted: TrustedKeys,
}

impl KeySet {
    /// One fresh key for every role, in memory: what an embedded suite runs with.
    ///
    /// # Errors
    /// [`KeyError::Generate`] when the random source fails.
    pub fn ephemeral() -> Result<Self, KeyError> {
        let mut trusted = TrustedKeys::default();
        let mut held = Vec::new();
        for role in Role::ALL {
            let key = SigningKey::generate(role.service_principal())?;
            trusted.add(key.trusted());
            held.push(key);
        }
        Ok(KeySet { held, trusted })
    }

    /// The key of one role from its file and everybody's public keys from a directory: what a role run
    /// alone starts with.
    ///
    /// # Errors
    /// When a key cannot be read.
    pub fn read(role: Role, private_file: &Path, public_dir: &Path) -> Result<Self, KeyError> {
        Ok(KeySet {
            held: vec![SigningKey::read(role.service_principal(), private_file)?],
            trusted: TrustedKeys::read_dir(public_dir)?,
        })
    }

    /// Writes `private/<principal>.pem` for each key held and `public/<principal>.pem` for the same,
    /// to be handed to roles that run apart. Private files are readable by their owner only.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_dir(&self, directory: &Path) -> Result<(), KeyError> {
        let (private, public) = (directory.join("private"), directory.join("public"));
        for path in [&private, &public] {
            std::fs::create_dir_all(path).map_err(|source| KeyError::Access {
                path: path.clone(),
                source,
            })?;
        }
        for key in &self.held {
            let name = format!("{}.pem", key.principal);
            let secret = key.pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?;
            write_owned(&private.join(&name), &pem("PRIVATE KEY", secret.as_ref()))?;
            let der: PublicKeyX509Der<'_> = key
                .pair
                .public_key()
                .as_der()
                .map_err(|_| KeyError::Generate)?;
            let path = public.join(&name);
            std::fs::write(&path, pem("PUBLIC KEY", der.as_ref()))
                .map_err(|source| KeyError::Access { path, source })?;
        }
        Ok(())
    }

    /// What the role signs with.
    ///
    /// # Errors
    /// [`KeyError::NotHeld`] when this process does not hold the role's key.
    pub fn signer(&self, role: Role, clock: &Clock) -> Result<Signer, KeyError> {
        let key = self
            .held
            .iter()
            .find(|key| key.principal == role.service_principal())
            .ok_or(KeyError::NotHeld(role))?;
        Ok(Signer::new(key.clone(), clock.clone()))
    }

    /// What a role checks its callers with.
    pub fn verifier(&self, audience: Role, clock: &Clock) -> Verifier {
        Verifier::new(self.trusted.clone(), audience, clock.clone())
    }
}

/// A name for a public key: the first 12 bytes of its SHA-256.
fn key_id(raw: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, raw);
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

fn read_public(path: &Path) -> Result<Vec<u8>, KeyError> {
    let malformed = || KeyError::Malformed {
        path: path.to_owned(),
        form: "PUBLIC KEY",
    };
    let pem = read(path)?;
    let der = SubjectPublicKeyInfoDer::from_pem_slice(&pem).map_err(|_| malformed())?;
    match der.as_ref().strip_prefix(SPKI_PREFIX.as_slice()) {
        Some(raw) if raw.len() == 32 => Ok(raw.to_vec()),
        _ => Err(malformed()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    std::fs::read(path).map_err(|source| KeyError::Access {
        path: path.to_owned(),
        source,
    })
}

fn write_owned(path: &Path, text: &str) -> Result<(), KeyError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| KeyError::Access {
            path: path.to_owned(),
            source,
        })
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = STANDARD.encode(der);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
