//! What an import remembers between runs, and what it counts.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

/// What became of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Contacts this import has logged.
    pub accepted: u64,
    /// Rows that were not the first of their key.
    pub folded: u64,
    /// Contacts that had been logged before.
    pub duplicate: u64,
    /// Rows that became nothing.
    pub rejected: u64,
    /// How many were rejected for which reason.
    pub reasons: BTreeMap<String, u64>,
}

/// Where an import stands: every row up to `settled` has its end, and is in `tally` and in the reject file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Of file, map and mode: another import must not go on from here.
    pub(super) fingerprint: String,
    /// When the import was first begun.
    pub(super) begun: Micros,
    pub(super) settled: u64,
    pub(super) tally: Tally,
    /// Length of the reject file up to that row.
    pub(super) rejects_bytes: u64,
}

impl State {
    /// The state an earlier run left, when it was the same import.
    pub(super) fn load(path: &Path, fingerprint: &str) -> Option<State> {
        let state: State = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        (state.fingerprint == fingerprint).then_some(state)
    }

    /// Replaces the file in one step: a kill leaves the old state or the new one.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let mut next = path.as_os_str().to_owned();
        next.push(".next");
        let next = PathBuf::from(next);
        std::fs::write(&next, serde_json::to_vec(self)?)?;
        std::fs::rename(&next, path)
    }
}

/// What makes two runs the same import: the file, the map and the mode.
pub(super) fn fingerprint(file: &Path, map: &str, live: bool) -> io::Result<String> {
    use std::io::Read as _;
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let opened = std::fs::File::open(file)?;
    digest.update(&opened.metadata()?.len().to_be_bytes());
    let mut head = Vec::new();
    opened.take(1024 * 1024).read_to_end(&mut head)?;
    digest.update(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &head).as_ref());
    digest.update(&[u8::from(live)]);
    digest.update(map.as_bytes());
    Ok(hex::encode(digest.finish()))
}
