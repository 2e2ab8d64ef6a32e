//! Tickets that were merged into others, up to the one that stands for them and down to all that it stands for.

use std::collections::{HashMap, HashSet};

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{TenantId, TicketId};
use sea_orm::{ColumnTrait as _, Condition};

use super::Store;
use super::entities::ticket::{Column, Entity, Model};
use crate::domain::Ticket;

/// Ids in one statement.
const CHUNK: usize = 400;

/// The ticket among these that stands for this one.
pub(super) fn standing_for<'a>(
    tickets: &'a HashMap<TicketId, Ticket>,
    ticket: &'a Ticket,
) -> &'a Ticket {
    let mut whole = ticket;
    for _ in 0..Ticket::MERGED_DEEP_MAX {
        match whole.merged_into.and_then(|id| tickets.get(&id)) {
            Some(next) => whole = next,
            None => break,
        }
    }
    whole
}

impl Store {
    /// The ticket that stands for this one; none when there is no such ticket.
    pub(crate) async fn whole_of(
        &self,
        tenant: TenantId,
        id: TicketId,
    ) -> Result<Option<TicketId>, Error> {
        let find = |s: Scoped| async move {
            let mut whole = None;
            let mut next = Some(id);
            for _ in 0..=Ticket::MERGED_DEEP_MAX {
                let Some(id) = next else { break };
                let row = s.find::<Entity>().filter(Column::Id.eq(id.uuid()));
                let Some(row) = row.one().await? else { break };
                whole = Some(id);
                next = row.merged_into_id.map(TicketId::from_uuid);
            }
            Ok::<_, Error>(whole)
        };
        self.db.read(tenant, find).await
    }

    /// Adds what stands for any of these tickets, and all that was merged into any of them. Asks for nothing where
    /// nothing was merged.
    pub(super) async fn add_families(
        &self,
        s: &Scoped,
        tickets: &mut HashMap<TicketId, Ticket>,
    ) -> Result<(), Error> {
        for _ in 0..Ticket::MERGED_DEEP_MAX {
            let above = tickets.values().filter_map(|ticket| ticket.merged_into);
            let unknown: HashSet<TicketId> = above.filter(|id| !tickets.contains_key(id)).collect();
            if unknown.is_empty() {
                break;
            }
            let unknown: Vec<TicketId> = unknown.into_iter().collect();
            let found = self.tickets_by_id(s, &unknown).await?;
            tickets.extend(found.into_iter().map(|ticket| (ticket.id, ticket)));
        }
        let stands = tickets.values().filter(|ticket| ticket.merged_count > 0);
        let mut wholes: Vec<TicketId> = stands.map(|ticket| ticket.id).collect();
        for _ in 0..Ticket::MERGED_DEEP_MAX {
            if wholes.is_empty() {
                break;
            }
            let mut parts = Vec::new();
            for chunk in wholes.chunks(CHUNK) {
                let rows = s.find::<Entity>().filter(merged_into(chunk)).all().await?;
                parts.extend(self.opened(s, rows).await?);
            }
            wholes = parts
                .iter()
                .filter(|ticket| ticket.merged_count > 0)
                .map(|ticket| ticket.id)
                .collect();
            for ticket in parts {
                tickets.entry(ticket.id).or_insert(ticket);
            }
        }
        Ok(())
    }
}

fn merged_into(wholes: &[TicketId]) -> Condition {
    let ids = wholes.iter().map(|id| id.uuid());
    Condition::all().add(Column::MergedIntoId.is_in(ids))
}

/// A ticket and all that were merged into it, and into those.
pub(super) async fn family(s: &Scoped, id: TicketId) -> Result<Vec<TicketId>, Error> {
    let mut family = vec![id];
    let mut wholes = vec![id];
    for _ in 0..Ticket::MERGED_DEEP_MAX {
        let rows = s.find::<Entity>().filter(merged_into(&wholes));
        let parts: Vec<Model> = rows.order_by_asc(Column::Id).all().await?;
        if parts.is_empty() {
            break;
        }
        wholes = parts
            .iter()
            .map(|row| TicketId::from_uuid(row.id))
            .collect();
        family.extend(&wholes);
    }
    Ok(family)
}

/// The tickets that stand for merged ones of which this holds.
pub(super) async fn wholes_where(
    s: &Scoped,
    condition: Condition,
) -> Result<HashSet<TicketId>, Error> {
    let merged = condition.add(Column::MergedIntoId.is_not_null());
    let rows = s.find::<Entity>().filter(merged).all().await?;
    let into = |row: &Model| row.merged_into_id.map(TicketId::from_uuid);
    let mut wholes: HashSet<TicketId> = rows.iter().filter_map(into).collect();
    for _ in 0..Ticket::MERGED_DEEP_MAX {
        let ids = wholes.iter().map(|id| id.uuid());
        let rows = s.find::<Entity>().filter(Column::Id.is_in(ids));
        let rows = rows
            .filter(Column::MergedIntoId.is_not_null())
            .all()
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            wholes.remove(&TicketId::from_uuid(row.id));
            wholes.extend(into(row));
        }
    }
    Ok(wholes)
}
