use std::collections::HashMap;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{TenantId, TicketId};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, QueryResult};
use uuid::Uuid;

use super::columns::{json_in, json_out};
use super::entities::ticket_sla::{ActiveModel, Column, Entity, Model};
use super::{Page, Store};
use crate::domain::sla::SlaRecord;

/// Rows in one statement.
const CHUNK: usize = 400;

/// The clocks of a ticket, and when something is due next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlaRow {
    pub(crate) record: SlaRecord,
    pub(crate) is_open: bool,
    pub(crate) next_at: Option<Micros>,
}

impl Store {
    /// Tickets of which something is due by `now`, what is due longest first.
    pub(crate) async fn sla_due(
        &self,
        tenant: TenantId,
        now: Micros,
        most: u64,
    ) -> Result<Vec<TicketId>, Error> {
        let find = |s: Scoped| async move {
            let rows = s
                .find::<Entity>()
                .filter(Column::NextAt.lte(now))
                .order_by_asc(Column::NextAt)
                .order_by_asc(Column::TicketId);
            let rows = rows.limit(most).all().await?;
            let ids = rows.into_iter().map(|row| row.ticket_id);
            Ok::<_, Error>(ids.map(TicketId::from_uuid).collect())
        };
        self.db.read(tenant, find).await
    }

    /// When something is due next.
    pub(crate) async fn sla_next(&self, tenant: TenantId) -> Result<Option<Micros>, Error> {
        self.db
            .read(tenant, |s: Scoped| async move { next(&s).await })
            .await
    }

    /// What the clocks of a ticket are made of, if somebody kept it.
    pub(crate) async fn sla_record(
        &self,
        tenant: TenantId,
        ticket: TicketId,
    ) -> Result<Option<SlaRecord>, Error> {
        let find = |s: Scoped| async move { of_tickets(&s, &[ticket]).await };
        Ok(self.db.read(tenant, find).await?.remove(&ticket))
    }

    /// What the clocks of open tickets are made of, newest first, behind `after`.
    pub(crate) async fn open_sla_records(
        &self,
        tenant: TenantId,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<SlaRecord>, Error> {
        let find = |s: Scoped| async move {
            let rows = s
                .find::<Entity>()
                .filter(Column::IsOpen.eq(true))
                .filter(Column::Record.is_not_null())
                .filter(Column::TicketId.lt(after.unwrap_or(Uuid::max())))
                .order_by_desc(Column::TicketId);
            let rows = rows.limit(size + 1).all().await?;
            let records = rows.into_iter().filter_map(|row| row.record);
            records.map(json_in).collect::<Result<Vec<_>, Error>>()
        };
        Ok(Page::of(
            self.db.read(tenant, find).await?,
            size,
            |record: &SlaRecord| record.ticket.uuid(),
        ))
    }
}

/// When something is due next.
pub(super) async fn next(s: &Scoped) -> Result<Option<Micros>, Error> {
    let sql = "select min(next_at) as next_at from ticket_slas where tenant_id = $1 and next_at is not null";
    let row = s.raw_one(sql, []).await?;
    let next: Option<i64> = row
        .map(|row| row.try_get("", "next_at"))
        .transpose()?
        .flatten();
    Ok(next.map(Micros))
}

/// What the clocks of these tickets are made of, where somebody kept it.
pub(super) async fn of_tickets(
    s: &Scoped,
    tickets: &[TicketId],
) -> Result<HashMap<TicketId, SlaRecord>, Error> {
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = tickets.iter().map(|id| vec![id.uuid().into()]).collect();
    let fits = "t.tenant_id = $1 and t.ticket_id = k.wanted";
    let its = bulk::each(s.engine(), "ticket_slas t", fits);
    let query = format!("select t.record as record from k {its} where t.record is not null");
    let rows = bulk::select(s, &[("wanted", Type::Uuid)], wanted, &query).await?;
    let read = |row: &QueryResult| {
        let record: SlaRecord = json_in(row.try_get("", "record")?)?;
        Ok((record.ticket, record))
    };
    rows.iter().map(read).collect()
}

/// Stores clocks as they are now.
pub(super) async fn put(s: &Scoped, slas: &[SlaRow]) -> Result<(), Error> {
    for chunk in slas.chunks(CHUNK) {
        let row = |sla: &SlaRow| {
            Ok(ActiveModel::from(Model {
                tenant_id: s.tenant().uuid(),
                ticket_id: sla.record.ticket.uuid(),
                is_open: sla.is_open,
                record: Some(json_out(&sla.record)?),
                next_at: sla.next_at,
            }))
        };
        let rows = chunk.iter().map(row).collect::<Result<_, Error>>()?;
        let changed = [Column::IsOpen, Column::Record, Column::NextAt];
        s.upsert_many(rows, [Column::TenantId, Column::TicketId], changed)
            .await?;
    }
    Ok(())
}

/// Makes every open ticket due, so that the owner dates it anew, a batch at a time, whatever is killed meanwhile.
pub(super) async fn redate(s: &Scoped) -> Result<(), Error> {
    let unknown = "insert into ticket_slas (tenant_id, ticket_id, is_open, next_at) \
                   select tenant_id, id, true, 0 from tickets \
                   where tenant_id = $1 and state in ('new', 'open', 'pending') and merged_into_id is null \
                   on conflict (tenant_id, ticket_id) do nothing";
    s.raw_exec(unknown, []).await?;
    let all = "update ticket_slas set next_at = 0 where tenant_id = $1 and is_open";
    s.raw_exec(all, []).await?;
    Ok(())
}
