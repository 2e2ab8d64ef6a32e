//! Verified credentials by their hash: verifying a signature costs more than proxying the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;

use super::Caller;
use super::caller::Evidence;
use crate::directory::Known;
use crate::domain::access::Access;
use crate::domain::key_text::Hash;
use crate::protection::{Protection, Protections};

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

/// The remembered credentials. A lookup takes no lock that all calls share.
pub(super) struct Verified(Cache<Hash, Entry>);

/// A caller, and what that rests on.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) caller: Caller,
    /// What the tenant said of the caller.
    pub(super) access: Arc<Access>,
    /// For tokens: the keys of the issuer, and how often they had changed.
    pub(super) under: Option<(Generation, u64)>,
}

impl Entry {
    /// Whether what was verified would be verified again. Expiry is the reader's to check, by its own clock.
    fn stands(&self, known: &Known) -> bool {
        let same_keys = self
            .under
            .as_ref()
            .is_none_or(|(generation, then)| generation.current() == *then);
        let same_key = match &self.caller.evidence {
            Evidence::Issued { .. } => true,
            Evidence::Key { key, .. } => known
                .key(&key.key.prefix)
                .is_some_and(|live| Arc::ptr_eq(live, key)),
        };
        same_keys && same_key
    }
}

impl Verified {
    pub(super) fn new(most: u64) -> Self {
        Verified(Cache::builder().max_capacity(most).build())
    }

    /// What is remembered, if it still stands.
    pub(super) fn get(
        &self,
        hash: &Hash,
        known: &Known,
        protections: Protections,
    ) -> Option<Entry> {
        let entry = self.0.get(hash)?;
        if !entry.stands(known) && protections.on(Protection::KeyRotation) {
            self.0.invalidate(hash);
            return None;
        }
        Some(entry)
    }

    pub(super) fn insert(&self, hash: Hash, entry: Entry) {
        self.0.insert(hash, entry);
    }
}
