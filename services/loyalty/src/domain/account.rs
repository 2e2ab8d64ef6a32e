use rapport_foundation::id::{MemberId, ProgramId, TenantId};
use rapport_foundation::time::Micros;

use super::{Hash, chain};

/// The three accounts of a member, materialised, and the end of the member's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Of which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub member: MemberId,
    /// In which programme.
    pub program: ProgramId,
    /// Can be spent, now or once active. Never negative.
    pub available: i64,
    /// Set aside by open holds. Never negative.
    pub held: i64,
    /// Owed after a claw-back. Never negative, and zero as long as something is available.
    pub debt: i64,
    /// Number of the newest entry; 0 before the first.
    pub sequence: i64,
    /// Hash of the newest entry.
    pub head: Hash,
    /// When the newest entry was made.
    pub changed_at: Micros,
    /// Counts writes from 1; a write applies only to the version it has read.
    pub version: i64,
}

impl Account {
    /// The account of a new member.
    #[must_use]
    pub fn open(tenant: TenantId, program: ProgramId, member: MemberId, at: Micros) -> Self {
        Self {
            tenant,
            member,
            program,
            available: 0,
            held: 0,
            debt: 0,
            sequence: 0,
            head: chain::genesis(tenant, program, member),
            changed_at: at,
            version: 1,
        }
    }
}

/// What a member has at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Can be spent at that moment.
    pub available: i64,
    /// Set aside by open holds.
    pub held: i64,
    /// Becomes available later.
    pub pending: i64,
    /// Owed after a claw-back.
    pub debt: i64,
    /// What lapses next, and when.
    pub next_expiring: Option<(i64, Micros)>,
    /// The moment.
    pub as_of: Micros,
}
