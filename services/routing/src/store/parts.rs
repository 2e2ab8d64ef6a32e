//! Tickets that are parts of others: many reports of one cause.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{TenantId, TicketId};
use sea_orm::{ColumnTrait as _, Condition};

use super::entities::ticket::{Column, Entity};
use super::tickets::OPEN;
use super::{Store, merges};
use crate::domain::Ticket;

impl Store {
    /// How many parts a ticket has, and how many of them are open.
    pub(crate) async fn part_counts(
        &self,
        tenant: TenantId,
        ticket: &Ticket,
    ) -> Result<(u64, u64), Error> {
        let count = |s: Scoped| async move {
            let parts = match ticket.merged_count {
                0 => parts_of_any(&[ticket.id]),
                _ => parts_of(&s, ticket.id).await?,
            };
            let all = s.find::<Entity>().filter(parts.clone()).count().await?;
            if all == 0 {
                return Ok::<_, Error>((0, 0));
            }
            let open = parts.add(Column::State.is_in(OPEN));
            Ok((all, s.find::<Entity>().filter(open).count().await?))
        };
        self.db.read(tenant, count).await
    }

    /// The parts of a ticket that are open, the oldest first, so many at most.
    pub(crate) async fn open_parts(
        &self,
        tenant: TenantId,
        id: TicketId,
        most: u64,
    ) -> Result<Vec<TicketId>, Error> {
        let find = |s: Scoped| async move {
            let open = parts_of(&s, id).await?.add(Column::State.is_in(OPEN));
            let rows = s.find::<Entity>().filter(open).order_by_asc(Column::Id);
            let rows = rows.limit(most).all().await?;
            Ok::<_, Error>(rows.iter().map(|row| TicketId::from_uuid(row.id)).collect())
        };
        self.db.read(tenant, find).await
    }
}

/// The parts of a ticket, and of those that were merged into it.
async fn parts_of(s: &Scoped, id: TicketId) -> Result<Condition, Error> {
    Ok(parts_of_any(&merges::family(s, id).await?))
}

fn parts_of_any(above: &[TicketId]) -> Condition {
    let above = above.iter().map(|id| id.uuid());
    Condition::all()
        .add(Column::ParentId.is_in(above))
        .add(Column::MergedIntoId.is_null())
}
