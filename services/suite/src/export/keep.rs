//! What an export leaves on the disk until it is whole, safe from kills and power cuts.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where an export of lines stands: so many rows are in so many bytes, and the cursor goes on behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Of what is exported and how: another export must not go on from here.
    pub(super) fingerprint: String,
    pub(super) cursor: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl State {
    /// What an earlier run left; none where there is nothing of use.
    pub(super) fn load(path: &Path) -> Option<State> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Replaces the file in one step: whatever happens leaves the old state or the new one.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let next = with(path, ".next");
        let file = private(&next)?;
        serde_json::to_writer(&file, self)?;
        settle(&file, &next, path)
    }
}

/// The name with something behind it.
pub(super) fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A new, empty file. It holds what was said by people: nobody else reads it.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// A folder that nobody else looks into; it may be there.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Gives a file that was written its name, once its bytes are on the disk.
pub(super) fn settle(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    std::fs::rename(from, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
