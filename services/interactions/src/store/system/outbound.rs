//! Messages of ours, of all tenants, that time has caught up with.

use rapport_foundation::db::{Error, present};
use rapport_foundation::id::{OutboundId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::QueryResult;

use super::super::Store;
use crate::domain::OutboundState;

/// A message that something is to be done about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DueOutbound {
    pub(crate) tenant: TenantId,
    pub(crate) id: OutboundId,
    /// Whether what it says is gone.
    pub(crate) is_erased: bool,
}

impl Store {
    /// Messages whose lease has ended, whose time is over, or whose text was erased.
    pub(crate) async fn due_outbound(&self, most: i64) -> Result<Vec<DueOutbound>, Error> {
        let now = present(self.db.engine());
        let (queued, handed, accepted, uncertain) = (
            OutboundState::Queued.code(),
            OutboundState::Handed.code(),
            OutboundState::Accepted.code(),
            OutboundState::Uncertain.code(),
        );
        let sql = format!(
            "select tenant_id, id, cast(0 as bigint) as erased from outbound \
             where state in ({handed}, {accepted}) and lease_until <= {now} \
             union all select tenant_id, id, cast(0 as bigint) from outbound \
             where state = {queued} and expires_at <= {now} \
             union all select o.tenant_id, o.id, cast(1 as bigint) from outbound_text t \
             join subject_keys k on k.tenant_id = t.tenant_id and k.subject = t.subject_key and k.wrapped is null \
             join outbound o on o.tenant_id = t.tenant_id and o.id = t.id \
             and o.state in ({queued}, {handed}, {uncertain}) limit $1"
        );
        let rows = self
            .db
            .system_read(async |system| system.raw_all(&sql, [most.into()]).await)
            .await?;
        let due = |row: &QueryResult| {
            Ok(DueOutbound {
                tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
                id: OutboundId::from_uuid(row.try_get("", "id")?),
                is_erased: row.try_get::<i64>("", "erased")? == 1,
            })
        };
        rows.iter().map(due).collect()
    }

    /// Takes away what messages say that failed before this moment, and nobody had tried again.
    pub(crate) async fn forget_outbound_texts(&self, before: Micros) -> Result<u64, Error> {
        let (failed, expired) = (OutboundState::Failed.code(), OutboundState::Expired.code());
        let sql = format!(
            "delete from outbound_text where (tenant_id, id) in (select t.tenant_id, t.id from outbound_text t \
             join outbound o on o.tenant_id = t.tenant_id and o.id = t.id \
             where o.state in ({failed}, {expired}) and o.changed_at < $1)"
        );
        self.db
            .system_write(async |system| system.raw_exec(&sql, [before.0.into()]).await)
            .await
    }
}
