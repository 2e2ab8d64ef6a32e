//! Verified tokens by their hash: verifying a signature costs more than proxying the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use super::Caller;
use crate::protection::{Protection, Protections};

/// The SHA-256 of a token. The token itself is kept nowhere.
pub(super) type Hash = [u8; 32];

pub(super) fn hash(token: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

/// How often the keys of an issuer have changed. What was verified under an older count is forgotten.
#[derive(Debug, Clone, Default)]
pub(super) struct Generation(Arc<AtomicU64>);

impl Generation {
    pub(super) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// The count at this moment. Taken before a verification, so that a change in the middle is noticed.
    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The remembered tokens. A lookup takes no lock that all calls share.
pub(super) struct Verified(Cache<Hash, Entry>);

#[derive(Clone)]
struct Entry {
    caller: Caller,
    generation: Generation,
    verified_under: u64,
}

impl Verified {
    pub(super) fn new(most: u64) -> Self {
        Verified(Cache::builder().max_capacity(most).build())
    }

    /// The caller, unless the keys changed since. Expiry is the reader's to check, by its own clock.
    pub(super) fn get(&self, hash: &Hash, protections: Protections) -> Option<Caller> {
        let entry = self.0.get(hash)?;
        let changed = entry.generation.current() != entry.verified_under;
        if changed && protections.on(Protection::KeyRotation) {
            self.0.invalidate(hash);
            return None;
        }
        Some(entry.caller)
    }

    /// Remembers a caller that was verified under this count of key changes.
    pub(super) fn insert(&self, hash: Hash, caller: Caller, under: (Generation, u64)) {
        let (generation, verified_under) = under;
        self.0.insert(
            hash,
            Entry {
                caller,
                generation,
                verified_under,
            },
        );
    }
}
