//! Which process decides for which tenant.
//!
//! A process is a replica: a row that lives for as long as the process says so, by the database's
//! clock. A tenant belongs to the replica that took it over last; when that one lives no more, or
//! has nobody's calls handed on to it, another may take it over. One that has its database and is
//! reached by nobody is put away by one that is called. A file has one process, which needs no row.

use std::time::Duration;

use rapport_foundation::db::{Engine, Error, System, present};
use rapport_foundation::id::TenantId;
use sea_orm::QueryResult;
use uuid::Uuid;

use crate::store::{Lease, Store};

/// Dead replicas are kept for whoever looks at the table after an incident.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Tenants that are taken over in one go.
const ORPHANS: usize = 256;

/// A process that may decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) id: Uuid,
    /// Where others reach it; empty when they cannot.
    pub(crate) address: String,
}

impl Store {
    /// Whether several processes may share the database.
    pub(crate) fn is_shared(&self) -> bool {
        self.db.engine() == Engine::Postgres
    }

    /// Begins to live, as one that nobody has called for so long. Who lived at the same address before is dead.
    pub(crate) async fn begin(
        &self,
        replica: &Replica,
        lease: Duration,
        uncalled: Duration,
    ) -> Result<(), Error> {
        let now = present(self.db.engine());
        let kept = micros(KEPT);
        let gone = format!(
            "delete from replica where until < {now} - {kept} or (address = $1 and address <> '')"
        );
        let live = format!(
            "insert into replica (id, address, started_at, until, called_at) \
             values ($1, $2, {now}, {now} + $3, {now} - $4)"
        );
        let begin = |s: System| {
            let (gone, live) = (gone.clone(), live.clone());
            async move {
                s.raw_exec(&gone, [replica.address.as_str().into()]).await?;
                let values = [
                    replica.id.into(),
                    replica.address.as_str().into(),
                    micros(lease).into(),
                    micros(uncalled).into(),
                ];
                s.raw_exec(&live, values).await
            }
        };
        self.db.system_write(begin).await?;
        Ok(())
    }

    /// Lives on, and nobody has called it for so long. Answers whether it had lived until now.
    pub(crate) async fn live_on(
        &self,
        id: Uuid,
        lease: Duration,
        uncalled: Duration,
    ) -> Result<bool, Error> {
        let now = present(self.db.engine());
        let sql =
            format!("update replica set until = {now} + $2, called_at = {now} - $3 where id = $1");
        let live = |s: System| {
            let sql = sql.clone();
            let values = [id.into(), micros(lease).into(), micros(uncalled).into()];
            async move { s.raw_exec(&sql, values).await }
        };
        Ok(self.db.system_write(live).await? == 1)
    }

    /// Others that live and that nobody has called for this long, when this one was called meanwhile.
    pub(crate) async fn uncalled(
        &self,
        own: Uuid,
        lately: Duration,
    ) -> Result<Vec<Replica>, Error> {
        let now = present(self.db.engine());
        let sql = format!(
            "select r.id, r.address from replica r join replica own on own.id = $1 \
             where own.called_at >= {now} - $2 and r.id <> own.id and r.address <> '' \
             and r.until > {now} and r.called_at < {now} - $2"
        );
        let find = |s: System| {
            let sql = sql.clone();
            async move { s.raw_all(&sql, [own.into(), micros(lately).into()]).await }
        };
        self.db
            .system_read(find)
            .await?
            .iter()
            .map(replica)
            .collect()
    }

    /// Puts away one that nobody has called for this long: what it owned is free. Answers whether it was so still.
    pub(crate) async fn put_away(&self, id: Uuid, lately: Duration) -> Result<bool, Error> {
        let now = present(self.db.engine());
        let sql = format!("delete from replica where id = $1 and called_at < {now} - $2");
        let put = |s: System| {
            let sql = sql.clone();
            async move { s.raw_exec(&sql, [id.into(), micros(lately).into()]).await }
        };
        Ok(self.db.system_write(put).await? == 1)
    }

    /// Lives no more: what it owned is free.
    pub(crate) async fn leave(&self, id: Uuid) -> Result<(), Error> {
        let leave = |s: System| async move {
            s.raw_exec("delete from replica where id = $1", [id.into()])
                .await
        };
        self.db.system_write(leave).await?;
        Ok(())
    }

    /// The living owner of a tenant.
    pub(crate) async fn owner_of(&self, tenant: TenantId) -> Result<Option<Replica>, Error> {
        let now = present(self.db.engine());
        let sql = format!(
            "select r.id, r.address from engine_lease l join replica r on r.id = l.owner \
             where l.tenant_id = $1 and r.until > {now}"
        );
        let find = |s: System| {
            let sql = sql.clone();
            async move { s.raw_one(&sql, [tenant.uuid().into()]).await }
        };
        let row = self.db.system_read(find).await?;
        row.as_ref().map(replica).transpose()
    }

    /// Takes a tenant over; none while another owner lives. One that cannot be reached by others
    /// gives way to a younger one: it is what runs until its successor runs.
    pub(crate) async fn take_over(
        &self,
        tenant: TenantId,
        replica: Uuid,
    ) -> Result<Option<Lease>, Error> {
        let now = present(self.db.engine());
        let sql = format!(
            "insert into engine_lease (tenant_id, owner, epoch, decision, until) values ($1, $2, 1, 0, 0) \
             on conflict (tenant_id) do update set owner = excluded.owner, epoch = engine_lease.epoch + 1 \
             where engine_lease.owner = $2 or not exists (select 1 from replica r \
             where r.id = engine_lease.owner and r.until > {now} and (r.address <> '' \
             or r.started_at >= coalesce((select m.started_at from replica m where m.id = $2), 0)))"
        );
        let take = |s: System| {
            let sql = sql.clone();
            async move {
                let values = [tenant.uuid().into(), replica.into()];
                if s.raw_exec(&sql, values).await? == 0 {
                    return Ok(None);
                }
                let sql = "select epoch, decision from engine_lease where tenant_id = $1";
                let row = s.raw_one(sql, [tenant.uuid().into()]).await?;
                let row = row.ok_or_else(|| s.raced())?;
                Ok(Some(Lease {
                    epoch: row.try_get("", "epoch")?,
                    decision: row.try_get("", "decision")?,
                }))
            }
        };
        self.db.system_write(take).await
    }

    /// Tenants without a living owner for which something may become due although nobody calls: open
    /// work, agents whose presence is to be settled, or clocks that run.
    pub(crate) async fn orphans(&self) -> Result<Vec<TenantId>, Error> {
        let now = present(self.db.engine());
        let sql = format!(
            "select l.tenant_id from engine_lease l \
             where not exists (select 1 from replica r where r.id = l.owner and r.until > {now}) \
             and (exists (select 1 from work_items w where w.tenant_id = l.tenant_id \
             and w.state in ('waiting', 'offered', 'accepted', 'wrapping_up')) \
             or exists (select 1 from agent_standings a where a.tenant_id = l.tenant_id and a.presence <> 'absent') \
             or exists (select 1 from ticket_slas t where t.tenant_id = l.tenant_id and t.next_at is not null)) \
             limit {ORPHANS}"
        );
        let find = |s: System| {
            let sql = sql.clone();
            async move { s.raw_all(&sql, []).await }
        };
        let rows = self.db.system_read(find).await?;
        let id = |row: &QueryResult| Ok(TenantId::from_uuid(row.try_get("", "tenant_id")?));
        rows.iter().map(id).collect()
    }
}

fn replica(row: &QueryResult) -> Result<Replica, Error> {
    Ok(Replica {
        id: row.try_get("", "id")?,
        address: row.try_get("", "address")?,
    })
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
