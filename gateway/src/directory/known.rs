//! One state of what is known. Never changed: a change makes another one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rapport_foundation::id::TenantId;

use super::LiveKey;
use crate::domain::access::Access;
use crate::domain::quota::Quota;
use crate::domain::tenant::State;
use crate::store::{Reading, TenantRow};

#[derive(Clone, Default)]
pub(crate) struct Known {
    tenants: HashMap<TenantId, Entry>,
    /// By prefix: all that may be used, of all tenants.
    keys: HashMap<String, Arc<LiveKey>>,
}

#[derive(Clone)]
struct Entry {
    row: TenantRow,
    access: Arc<Access>,
    /// Its keys.
    prefixes: Arc<Vec<String>>,
}

impl Known {
    pub(crate) fn is_active(&self, tenant: TenantId) -> bool {
        self.tenants
            .get(&tenant)
            .is_some_and(|entry| entry.row.state == State::Active)
    }

    pub(crate) fn quota(&self, tenant: TenantId) -> Option<Quota> {
        self.tenants.get(&tenant)?.row.quota
    }

    /// What an active tenant says of its principals. The same pointer as long as it says the same.
    pub(crate) fn access(&self, tenant: TenantId) -> Option<&Arc<Access>> {
        let entry = self.tenants.get(&tenant)?;
        (entry.row.state == State::Active).then_some(&entry.access)
    }

    /// The key with a prefix. The same pointer as long as the key is the same.
    pub(crate) fn key(&self, prefix: &str) -> Option<&Arc<LiveKey>> {
        self.keys.get(prefix)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &LiveKey> {
        self.keys.values().map(AsRef::as_ref)
    }

    pub(super) fn has(&self, row: &TenantRow) -> bool {
        self.tenants
            .get(&row.id)
            .is_some_and(|entry| entry.row == *row)
    }

    pub(super) fn is_all_of(&self, rows: &[TenantRow]) -> bool {
        rows.len() == self.tenants.len() && rows.iter().all(|row| self.has(row))
    }

    /// The same without tenants that are not among the rows.
    pub(super) fn only(&self, rows: &[TenantRow]) -> Known {
        let there: HashSet<TenantId> = rows.iter().map(|row| row.id).collect();
        let mut next = self.clone();
        next.tenants.retain(|id, _| there.contains(id));
        next.keys.retain(|_, live| there.contains(&live.key.tenant));
        next
    }

    /// Whether what the tenant says of its principals must be read.
    pub(super) fn lacks(&self, row: &TenantRow) -> bool {
        let known = self
            .tenants
            .get(&row.id)
            .map_or(0, |entry| entry.row.access_version);
        known != row.access_version
    }

    /// Puts what was read of a tenant in the place of what was known; without a reading only its row.
    pub(super) fn put(&mut self, row: TenantRow, reading: Option<Reading>) {
        let before = self.tenants.get(&row.id);
        let entry = match (before, reading) {
            (Some(before), None) => Entry {
                row,
                ..before.clone()
            },
            (None, None) => Entry {
                row,
                access: Arc::default(),
                prefixes: Arc::default(),
            },
            (before, Some(reading)) => {
                let access = before.map(|entry| &entry.access);
                let access = access.filter(|access| ***access == reading.access).cloned();
                let access = access.unwrap_or_else(|| Arc::new(reading.access));
                let former = before.map(|entry| Arc::clone(&entry.prefixes));
                let prefixes = self.replace_keys(former.unwrap_or_default(), reading.keys);
                Entry {
                    row,
                    access,
                    prefixes: Arc::new(prefixes),
                }
            }
        };
        self.tenants.insert(row.id, entry);
    }

    fn replace_keys(
        &mut self,
        former: Arc<Vec<String>>,
        keys: Vec<crate::domain::api_key::ApiKey>,
    ) -> Vec<String> {
        let mut former: HashMap<_, _> = former
            .iter()
            .filter_map(|prefix| self.keys.remove_entry(prefix))
            .collect();
        let mut prefixes = Vec::with_capacity(keys.len());
        for key in keys {
            let prefix = key.prefix.clone();
            let live = match former.remove(&prefix) {
                Some(same) if same.key.version == key.version => same,
                Some(before) => Arc::new(LiveKey::new(key).following(&before)),
                None => Arc::new(LiveKey::new(key)),
            };
            self.keys.insert(prefix.clone(), live);
            prefixes.push(prefix);
        }
        prefixes
    }
}
