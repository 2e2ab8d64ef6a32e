//! What the checkers of the invariants report.

use crate::id::TenantId;

/// An invariant that does not hold somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which one, by its number among the checked invariants: 1 stored, 2 once per key, 3 the ledger adds up,
    /// 4 every event arrives, 5 work items and agents, 6 tenants apart, 9 the audit trail is whole.
    pub invariant: u8,
    /// Whose data it is.
    pub tenant: TenantId,
    /// What is wrong, with ids and codes only.
    pub what: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "I{} {}: {}", self.invariant, self.tenant, self.what)
    }
}
