//! Tickets that calls over many are about, so that a call that is repeated is about the same ones.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{TenantId, TicketId, TicketPickId};
use rapport_foundation::idempotency::{Claim, Key};
use rapport_foundation::time::Micros;
use sea_orm::ColumnTrait as _;

use super::Store;
use super::columns::{json_in, json_out};
use super::entities::ticket_pick::{ActiveModel, Column, Entity, Model};

/// Which pick, of which tickets, and when.
pub(crate) type Pick = (TicketPickId, Vec<TicketId>, Micros);

impl Store {
    /// What a call is about that was made before.
    pub(crate) async fn known_pick(
        &self,
        tenant: TenantId,
        key: &Key,
    ) -> Result<Option<TicketPickId>, crate::Error> {
        let find = |s: Scoped| async move { key.look_up(&s).await };
        let claim = self.db.read(tenant, find).await?;
        let replayed = claim.map_or(Ok(None), Claim::replayed)?;
        Ok(replayed.map(|(id, _)| TicketPickId::from_uuid(id)))
    }

    /// The tickets that a call is about.
    pub(crate) async fn picked(
        &self,
        tenant: TenantId,
        id: TicketPickId,
    ) -> Result<Vec<TicketId>, Error> {
        let find = |s: Scoped| async move {
            let rows = s.find::<Entity>().filter(Column::Id.eq(id.uuid()));
            let row = rows.one().await?;
            let row = row.ok_or(Error::Corrupt("a call whose tickets are not known"))?;
            json_in(row.ticket_ids)
        };
        self.db.read(tenant, find).await
    }
}

/// Stores what calls are about.
pub(super) async fn put(s: &Scoped, picks: &[Pick]) -> Result<(), Error> {
    let row = |(id, tickets, at): &Pick| {
        Ok(ActiveModel::from(Model {
            tenant_id: s.tenant().uuid(),
            id: id.uuid(),
            picked_at: *at,
            ticket_ids: json_out(tickets)?,
        }))
    };
    let rows = picks.iter().map(row).collect::<Result<Vec<_>, Error>>()?;
    s.insert_many(rows).await?;
    Ok(())
}
