//! The right to decide for a tenant. The epoch rises whenever somebody takes over; every decision
//! names epoch and number in its WHERE, so an owner that lost the right cannot commit, and a
//! decision whose answer was lost is recognised when it is repeated.

use rapport_foundation::db::{Error, Scoped};

/// The right to decide for one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Rises with each taking over.
    pub(crate) epoch: i64,
    /// Number of the last decision committed.
    pub(crate) decision: i64,
}

/// Whether a decision may be stored.
pub(super) enum Fence {
    /// It is the next one of this owner.
    Open,
    /// It was stored already; only its answer was lost.
    Passed,
    /// Somebody else owns the tenant.
    Shut,
}

/// The first statement of a decision: moves the number on, if this owner still decides.
pub(super) async fn pass(s: &Scoped, lease: Lease) -> Result<Fence, Error> {
    let sql = "update engine_lease set decision = decision + 1 \
               where tenant_id = $1 and epoch = $2 and decision = $3";
    let values = [lease.epoch.into(), lease.decision.into()];
    if s.raw_exec(sql, values).await? == 1 {
        return Ok(Fence::Open);
    }
    let sql = "select epoch, decision from engine_lease where tenant_id = $1";
    let Some(row) = s.raw_one(sql, []).await? else {
        return Ok(Fence::Shut);
    };
    let (epoch, decision): (i64, i64) = (row.try_get("", "epoch")?, row.try_get("", "decision")?);
    if epoch == lease.epoch && decision == lease.decision + 1 {
        return Ok(Fence::Passed);
    }
    Ok(Fence::Shut)
}
