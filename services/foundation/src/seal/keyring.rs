//! The master keys and what is derived from them.

use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::id::TenantId;

const KEY_LEN: usize = 32;

/// Why the key file cannot be used. Its content is never part of the text.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file {0} cannot be used: {1}")]
    File(String, #[source] std::io::Error),
    /// A line is not a number and 64 hexadecimal digits.
    #[error("the key file {0} has a malformed line {1}")]
    Line(String, usize),
    /// There is no key in it.
    #[error("the key file {0} holds no key")]
    Empty(String),
    /// Two keys have one number.
    #[error("the key file {0} has two keys with the number {1}")]
    Twice(String, u32),
}

/// The master keys: each line of the file a number and 64 hexadecimal digits. The last one wraps new data keys,
/// all of them unwrap; the first one roots the blind indexes and must therefore never be removed.
pub struct Keyring {
    keys: Vec<(u32, Zeroizing<[u8; KEY_LEN]>)>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl Keyring {
    /// A ring of one key.
    #[must_use]
    pub fn single(key: [u8; 32]) -> Self {
        Self {
            keys: vec![(1, Zeroizing::new(key))],
        }
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// When it is missing, unreadable, or malformed.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let name = || path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| KeyFileError::File(name(), error))?;
        Self::parse(&Zeroizing::new(text), &name())
    }

    /// Reads the key file, or makes one with a fresh key that only its owner may read.
    ///
    /// # Errors
    /// When it is unreadable or malformed, or cannot be made.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match Self::create(path) {
            Ok(ring) => Ok(ring),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(KeyFileError::File(path.display().to_string(), error)),
        }
    }

    fn create(path: &Path) -> std::io::Result<Self> {
        use std::io::Write as _;
        let mut key = Zeroizing::new([0_u8; KEY_LEN]);
        aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| std::io::Error::other("no randomness"))?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        writeln!(file, "1 {}", *Zeroizing::new(hex::encode(key.as_ref())))?;
        // Values sealed with a key that a power cut took away could never be opened again.
        file.sync_all()?;
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(Self {
            keys: vec![(1, key)],
        })
    }

    fn parse(text: &str, name: &str) -> Result<Self, KeyFileError> {
        let mut keys: Vec<(u32, Zeroizing<[u8; KEY_LEN]>)> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || KeyFileError::Line(name.to_owned(), at + 1);
            let (number, digits) = line.split_once(' ').ok_or_else(malformed)?;
            let number: u32 = number.parse().map_err(|_| malformed())?;
            let mut key = Zeroizing::new([0; KEY_LEN]);
            hex::decode_to_slice(digits.trim(), key.as_mut()).map_err(|_| malformed())?;
            if keys.iter().any(|(known, _)| *known == number) {
                return Err(KeyFileError::Twice(name.to_owned(), number));
            }
            keys.push((number, key));
        }
        if keys.is_empty() {
            return Err(KeyFileError::Empty(name.to_owned()));
        }
        Ok(Self { keys })
    }

    /// The number of the key that wraps new data keys.
    pub(crate) fn newest(&self) -> u32 {
        self.keys.last().map_or(0, |(number, _)| *number)
    }

    /// A tenant's key-encryption key under one master key.
    pub(crate) fn wrapping(
        &self,
        number: u32,
        tenant: TenantId,
    ) -> Option<Zeroizing<[u8; KEY_LEN]>> {
        let (_, master) = self.keys.iter().find(|(known, _)| *known == number)?;
        Some(derive(master, tenant, b"rapport wrapping v1"))
    }

    /// A tenant's blind-index key.
    pub(crate) fn blinding(&self, tenant: TenantId) -> Zeroizing<[u8; KEY_LEN]> {
        self.keys
            .first()
            .map_or_else(Zeroizing::default, |(_, master)| {
                derive(master, tenant, b"rapport blind index v1")
            })
    }

    /// A key for a purpose that belongs to no tenant, such as sealing page tokens; the same after each restart.
    #[must_use]
    pub fn purpose(&self, purpose: &str) -> [u8; 32] {
        self.keys.first().map_or([0; KEY_LEN], |(_, master)| {
            *derive(master, TenantId::nil(), purpose.as_bytes())
        })
    }
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

#[expect(
    clippy::expect_used,
    reason = "32 bytes are far below the limit of HKDF-SHA256"
)]
fn derive(master: &[u8; KEY_LEN], tenant: TenantId, purpose: &[u8]) -> Zeroizing<[u8; KEY_LEN]> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    Salt::new(HKDF_SHA256, tenant.uuid().as_bytes())
        .extract(master)
        .expand(&[purpose], Length)
        .and_then(|okm| okm.fill(key.as_mut()))
        .expect("HKDF-SHA256 gives 32 bytes");
    key
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_file_is_private_and_reads_back() {
        let folder = std::env::temp_dir().join(format!("rapport-keys-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("master.keys");
        let made = Keyring::read_or_create(&path).unwrap();
        let read = Keyring::read_or_create(&path).unwrap();
        assert_eq!(made.purpose("x"), read.purpose("x"));
        assert_ne!(made.purpose("x"), made.purpose("y"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_malformed_key_file_is_refused_without_showing_it() {
        let secret = "a".repeat(63);
        for text in [
            format!("1 {secret}"),
            format!("x {secret}a"),
            String::new(),
            "1".into(),
        ] {
            let error = Keyring::parse(&text, "f").unwrap_err().to_string();
            assert!(!error.contains("aaaa"));
        }
        let good = format!("# old\n1 {0}\n\n2 {0}\n", "ab".repeat(32));
        assert_eq!(Keyring::parse(&good, "f").unwrap().newest(), 2);
    }
}
