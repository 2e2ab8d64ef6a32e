//! The only place of this service that looks across tenants.

use rapport_foundation::db::{Error, System};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;

use super::Store;

impl Store {
    /// Tenants for which something may become due although nobody calls: open work, agents
    /// whose presence is to be settled, or clocks that run.
    pub(crate) async fn tenants_at_work(&self) -> Result<Vec<TenantId>, Error> {
        let find = |s: System| async move {
            let sql = "select distinct tenant_id from work_items \
                       where state in ('waiting', 'offered', 'accepted', 'wrapping_up') \
                       union select distinct tenant_id from agent_standings where presence <> 'absent' \
                       union select distinct tenant_id from ticket_slas where next_at is not null";
            let rows = s.raw_all(sql, []).await?;
            let id =
                |row: &sea_orm::QueryResult| Ok(TenantId::from_uuid(row.try_get("", "tenant_id")?));
            rows.iter().map(id).collect()
        };
        self.db.system_read(find).await
    }

    /// Forgets contacts that ended before `before` and whose interaction never asked for
    /// anybody. Answers how many.
    pub(crate) async fn forget_ended_contacts(&self, before: Micros) -> Result<u64, Error> {
        let sql = "delete from ended_contacts where ended_at < $1";
        let forget = |s: System| async move { s.raw_exec(sql, [before.0.into()]).await };
        self.db.system_write(forget).await
    }
}
