use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use rapport_foundation::id::{AgentId, OfferId, TenantId};

use crate::domain::Offer;

/// Entries of each kind: the offers of some minutes of the busiest floor.
const MOST: u64 = 16_384;

/// What never changes once it is stored, and is asked for with nearly every call of an agent: who they are, and what
/// an offer is about. What is not here is read.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// By tenant and blind index of the principal.
    pub(super) agents: Cache<(TenantId, Vec<u8>), AgentId>,
    pub(super) offers: Cache<(TenantId, OfferId), Offer>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            agents: Cache::new(MOST),
            // The latest are asked for, each once: what is new must not have to be asked for before it is kept.
            offers: Cache::builder()
                .max_capacity(MOST)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }
}
