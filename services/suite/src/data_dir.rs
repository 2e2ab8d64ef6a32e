//! The folder of an embedded suite: its databases, its master key, its development secret, and a lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refuses.
    #[error("{path}: {source}", path = path.display())]
    Access {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another suite runs on it. Two would each take themselves for the owner of the same work.
    #[error("{} is in use by another suite", .0.display())]
    InUse(PathBuf),
    /// There is no suite there yet.
    #[error("{} holds no development secret: no embedded suite was ever started there", .0.display())]
    NoSecret(PathBuf),
}

/// A data directory.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

/// Keeps other suites off a data directory while it lives. The system lets go of it with the process, however
/// that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl DataDir {
    /// The directory at a path; nothing is touched yet.
    pub fn at(path: &Path) -> Self {
        DataDir(path.to_owned())
    }

    /// Makes the directory when missing, for its owner only, and locks it.
    ///
    /// # Errors
    /// When it cannot be made, or another suite has it.
    pub fn lock(&self) -> Result<Lock, Error> {
        let mut builder = std::fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|error| self.access("", error))?;
        let file = private(&self.0.join("lock")).map_err(|error| self.access("lock", error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(self.0.clone())),
            Err(TryLockError::Error(error)) => Err(self.access("lock", error)),
        }
    }

    /// Where the key that seals personal data is.
    pub fn master_key(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// What development tokens are signed with; made when missing.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn secret_or_create(&self) -> Result<String, Error> {
        match self.secret() {
            Err(Error::NoSecret(_)) => self.create_secret(),
            other => other,
        }
    }

    /// What development tokens are signed with.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn secret(&self) -> Result<String, Error> {
        match std::fs::read_to_string(self.0.join(SECRET)) {
            // A kill between making and writing the file leaves it empty.
            Ok(text) if text.trim().is_empty() => Err(Error::NoSecret(self.0.clone())),
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoSecret(self.0.clone()))
            }
            Err(error) => Err(self.access(SECRET, error)),
        }
    }

    fn create_secret(&self) -> Result<String, Error> {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| self.access(SECRET, io::Error::other("the random source failed")))?;
        let secret = hex::encode(bytes);
        private(&self.0.join(SECRET))
            .and_then(|mut file| file.write_all(secret.as_bytes()))
            .map_err(|error| self.access(SECRET, error))?;
        Ok(secret)
    }

    fn access(&self, name: &str, source: io::Error) -> Error {
        Error::Access {
            path: self.0.join(name),
            source,
        }
    }
}

const SECRET: &str = "development.secret";

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_serves_one_suite_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::at(&folder.path().join("deep/er"));
        let lock = dir.lock().unwrap();
        assert!(matches!(dir.lock(), Err(Error::InUse(_))));
        drop(lock);
        assert!(dir.lock().is_ok());
    }

    #[test]
    fn the_secret_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::at(folder.path());
        assert!(matches!(dir.secret(), Err(Error::NoSecret(_))));
        let secret = dir.secret_or_create().unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(dir.secret_or_create().unwrap(), secret);
        let mode = std::fs::metadata(folder.path().join(SECRET))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
