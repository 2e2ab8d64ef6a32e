use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, OfferId, TenantId, WorkItemId};
use rapport_foundation::time::Micros;
use sea_orm::ColumnTrait as _;

use super::Store;
use super::columns::named;
use super::decision::OfferRow;
use super::entities::offer::{ActiveModel, Column, Entity, Model};
use crate::domain::{Offer, OfferOutcome};

/// Rows in one statement: 9 columns each.
const CHUNK: usize = 1000;

impl Store {
    /// One offer and where it stands.
    pub(crate) async fn offer(
        &self,
        tenant: TenantId,
        id: OfferId,
    ) -> Result<Option<OfferRow>, Error> {
        let find = |s: Scoped| async move {
            let row = s
                .find::<Entity>()
                .filter(Column::Id.eq(id.uuid()))
                .one()
                .await?;
            row.map(read).transpose()
        };
        self.db.read(tenant, find).await
    }

    /// What an offer is about.
    pub(crate) async fn offer_made(
        &self,
        tenant: TenantId,
        id: OfferId,
    ) -> Result<Option<Offer>, Error> {
        match self.known.offers.get(&(tenant, id)) {
            Some(offer) => Ok(Some(offer)),
            None => Ok(self.offer(tenant, id).await?.map(|row| row.offer)),
        }
    }
}

/// Stores offers as they are now.
pub(super) async fn put(s: &Scoped, offers: &[OfferRow]) -> Result<(), Error> {
    for chunk in offers.chunks(CHUNK) {
        let rows: Vec<ActiveModel> = chunk
            .iter()
            .map(|row| write(s.tenant(), row).into())
            .collect();
        let changed = [Column::Outcome, Column::EndedAt];
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, row: &OfferRow) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: row.offer.id.uuid(),
        work_item_id: row.offer.item.uuid(),
        agent_id: row.offer.agent.uuid(),
        outcome: row.outcome.as_str().to_owned(),
        made_at: row.offer.made_at,
        expires_at: row.offer.expires_at,
        ended_at: row.ended_at,
        broadcast: row.broadcast,
    }
}

fn read(row: Model) -> Result<OfferRow, Error> {
    let ended_at: Option<Micros> = row.ended_at;
    Ok(OfferRow {
        offer: Offer {
            id: OfferId::from_uuid(row.id),
            item: WorkItemId::from_uuid(row.work_item_id),
            agent: AgentId::from_uuid(row.agent_id),
            made_at: row.made_at,
            expires_at: row.expires_at,
        },
        outcome: named(OfferOutcome::named(&row.outcome))?,
        ended_at,
        broadcast: row.broadcast,
    })
}
