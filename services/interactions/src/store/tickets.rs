//! Tickets as routing tells of them: which are open, whose they are and what they grew out of.

use std::collections::BTreeMap;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, TicketId};
use sea_orm::Value;
use uuid::Uuid;

use super::Store;
use crate::domain::{Change, Projection, TicketChange};

impl Store {
    /// Notes what became of tickets, in the order they were told of.
    pub(super) async fn note_tickets(
        &self,
        s: &Scoped,
        projections: &[Projection],
    ) -> Result<(), Error> {
        const COLUMNS: [(&str, Type); 4] = [
            ("ticket_id", Type::Uuid),
            ("conversation_id", Type::Uuid),
            ("record_id", Type::Uuid),
            ("open", Type::Small),
        ];
        let mut latest: BTreeMap<TicketId, Vec<Value>> = BTreeMap::new();
        let mut without = Vec::new();
        for one in projections {
            let Change::Ticket(ticket, change) = one.change else {
                continue;
            };
            let open = matches!(
                change,
                TicketChange::Opened | TicketChange::Reopened | TicketChange::Unmerged
            );
            let record = one.record.map_or(Uuid::nil(), |record| record.uuid());
            if record.is_nil() {
                without.push(one.conversation);
            }
            let row = vec![
                ticket.uuid().into(),
                one.conversation.uuid().into(),
                record.into(),
                i16::from(open).into(),
            ];
            latest.insert(ticket, row);
        }
        // Whose it was once known to be it stays.
        let behind = "on conflict (tenant_id, ticket_id) do update set open = excluded.open";
        bulk::insert(
            s,
            "known_ticket",
            &COLUMNS,
            latest.into_values().collect(),
            behind,
        )
        .await?;
        self.own_tickets(s, &without).await
    }

    /// Tickets that were opened before anybody knew whose they are belong to whom their conversation belongs to.
    pub(crate) async fn own_tickets(
        &self,
        s: &Scoped,
        conversations: &[ConversationId],
    ) -> Result<(), Error> {
        const COLUMNS: [(&str, Type); 2] = [("wanted", Type::Uuid), ("nobody", Type::Uuid)];
        let row =
            |id: &ConversationId| -> Vec<Value> { vec![id.uuid().into(), Uuid::nil().into()] };
        let statement = "update known_ticket set record_id = l.record_id from k cross join conversation_link l \
                         where known_ticket.tenant_id = $1 and known_ticket.conversation_id = k.wanted \
                         and known_ticket.record_id = k.nobody \
                         and l.tenant_id = $1 and l.conversation_id = k.wanted";
        bulk::change(
            s,
            &COLUMNS,
            conversations.iter().map(row).collect(),
            statement,
        )
        .await?;
        Ok(())
    }
}
