//! Who decides for a tenant. The epoch rises whenever somebody takes over; every decision
//! names epoch and number in its WHERE, so an owner that lost the lease cannot commit, and a
//! decision whose answer was lost is recognised when it is repeated.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::Store;

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

impl Store {
    /// Takes the tenant over. While another owner's lease runs only `at_start` does: a process
    /// that begins must not wait for the lease of its own dead predecessor, and the epoch keeps
    /// a living one from committing.
    pub(crate) async fn take_over(
        &self,
        tenant: TenantId,
        owner: Uuid,
        now: Micros,
        until: Micros,
        at_start: bool,
    ) -> Result<Option<Lease>, Error> {
        let take = |s: Scoped| async move {
            let sql = "insert into engine_lease (tenant_id, owner, epoch, decision, until) \
                       values ($1, $2, 1, 0, $3) on conflict (tenant_id) do update \
                       set owner = excluded.owner, epoch = engine_lease.epoch + 1, until = excluded.until \
                       where engine_lease.owner = $2 or engine_lease.until <= $4 or $5 = 1";
            let start = i64::from(at_start);
            let values = [owner.into(), until.0.into(), now.0.into(), start.into()];
            if s.raw_exec(sql, values).await? == 0 {
                return Ok(None);
            }
            let sql = "select epoch, decision from engine_lease where tenant_id = $1";
            let row = s.raw_one(sql, []).await?.ok_or_else(|| s.raced())?;
            Ok(Some(Lease {
                epoch: row.try_get("", "epoch")?,
                decision: row.try_get("", "decision")?,
            }))
        };
        self.db.write(tenant, take).await
    }
}

/// The first statement of a decision: moves the number on, if this owner still decides.
pub(super) async fn pass(s: &Scoped, lease: Lease, until: Micros) -> Result<Fence, Error> {
    let sql = "update engine_lease set decision = decision + 1, until = $4 \
               where tenant_id = $1 and epoch = $2 and decision = $3";
    let values = [lease.epoch.into(), lease.decision.into(), until.0.into()];
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
