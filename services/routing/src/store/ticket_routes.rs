//! What the routing policy chose for tickets, and on what: written once.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{TenantId, TicketId};
use sea_orm::ColumnTrait as _;

use super::Store;
use super::columns::{json_in, json_out};
use super::entities::ticket_route::{ActiveModel, Column, Entity, Model};
use crate::domain::policy::RouteRecord;

/// Rows in one statement.
const CHUNK: usize = 1_000;

impl Store {
    /// What was chosen for a ticket; none when its queue was named.
    pub(crate) async fn ticket_route(
        &self,
        tenant: TenantId,
        id: TicketId,
    ) -> Result<Option<RouteRecord>, Error> {
        let find = |s: Scoped| async move {
            let rows = s.find::<Entity>().filter(Column::TicketId.eq(id.uuid()));
            let row = rows.one().await?;
            row.map(|row| json_in(row.record)).transpose()
        };
        self.db.read(tenant, find).await
    }
}

/// Stores what was chosen.
pub(super) async fn put(s: &Scoped, records: &[RouteRecord]) -> Result<(), Error> {
    for chunk in records.chunks(CHUNK) {
        let row = |record: &RouteRecord| {
            Ok(ActiveModel::from(Model {
                tenant_id: s.tenant().uuid(),
                ticket_id: record.ticket.uuid(),
                record: json_out(record)?,
            }))
        };
        let rows: Result<Vec<ActiveModel>, Error> = chunk.iter().map(row).collect();
        s.insert_absent(rows?, [Column::TenantId, Column::TicketId])
            .await?;
    }
    Ok(())
}
