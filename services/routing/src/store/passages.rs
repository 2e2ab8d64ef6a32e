//! Where work items stand among those that their contacts go through.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, InteractionId, TenantId, TicketNoteId, WorkItemId};
use rapport_foundation::time::Micros;
use sea_orm::ColumnTrait as _;

use super::columns::{count, span_in};
use super::entities::work_item::{Column, Entity, Model};
use super::{Store, work_items};
use crate::domain::{Callback, Kept, Passage, WorkItem};

impl Store {
    /// The work of who was asked last about the contact of a work item.
    pub(crate) async fn last_asked(
        &self,
        tenant: TenantId,
        item: WorkItemId,
    ) -> Result<Option<WorkItem>, Error> {
        let find = |s: Scoped| async move {
            let asked = s
                .find::<Entity>()
                .filter(Column::ConsultOfId.eq(item.uuid()));
            let last = asked.order_by_desc(Column::Id).one().await?;
            last.map(work_items::read).transpose()
        };
        self.db.read(tenant, find).await
    }

    /// The work that a contact is by now, of all that it went through the last.
    pub(crate) async fn work_of_contact(
        &self,
        tenant: TenantId,
        contact: InteractionId,
    ) -> Result<Option<WorkItem>, Error> {
        let find = |s: Scoped| async move {
            let its = s
                .find::<Entity>()
                .filter(Column::InteractionId.eq(contact.uuid()));
            let last = its.order_by_desc(Column::Id).one().await?;
            last.map(work_items::read).transpose()
        };
        self.db.read(tenant, find).await
    }
}

fn callback(row: &Model) -> Result<Option<Callback>, Error> {
    let Some(attempts) = row.callback_attempts else {
        return Ok(None);
    };
    Ok(Some(Callback {
        attempts_left: count(attempts)?,
        pause: span_in(row.callback_pause)?,
        paused_until: row.callback_paused_until,
        called: called(row),
    }))
}

/// When they were reached. Of what was stored before that was noted it is not known: any end comes after it.
fn called(row: &Model) -> Option<Micros> {
    let unknown = row.callback_called.then_some(Micros::EPOCH);
    row.callback_called_at.or(unknown)
}

/// As it stands in a row.
pub(super) fn passage(row: &Model) -> Result<Passage, Error> {
    let kept = row.kept_for_id.zip(row.kept_until);
    Ok(Passage {
        before: row.previous_id.map(WorkItemId::from_uuid),
        next: row.next_id.map(WorkItemId::from_uuid),
        hops: count(row.hops)?,
        turn_at: row.turn_at,
        kept: kept.map(|(agent, until)| Kept {
            agent: AgentId::from_uuid(agent),
            until,
        }),
        note: row.note_id.map(TicketNoteId::from_uuid),
        consult: row.consult_id.map(WorkItemId::from_uuid),
        consult_of: row.consult_of_id.map(WorkItemId::from_uuid),
        was_asked: row.was_asked,
        conference: row.conference,
        held_before: row.held_before,
        held_since: row.held_since,
        held: span_in(row.held)?,
        connector: row.connector.as_deref().map(Into::into),
        commanded: row.commanded,
        over: row.contact_over,
        callback: callback(row)?,
    })
}
