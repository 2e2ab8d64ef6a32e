//! What events say about tickets.

use rapport_foundation::events::Data;
use rapport_foundation::id::TicketId;
use rapport_proto::events::v1 as pb;
use rapport_proto::types::v1 as types;

use super::super::words;
use super::Fold;
use crate::domain::{Ticket, differences, text};

impl Fold<'_> {
    pub(super) fn facts_of(&self, id: TicketId) -> Option<pb::TicketFacts> {
        self.loaded.tickets.get(&id).map(facts)
    }

    /// Says that something of a ticket is different for which there is no event of its own.
    pub(super) fn publish_update(&mut self, before: &Ticket, id: TicketId) {
        let Some(ticket) = self.loaded.tickets.get(&id) else {
            return;
        };
        let changed = differences(Some(before), ticket).into_iter();
        let fields: Vec<String> = changed.map(|c| c.field.as_str().to_owned()).collect();
        if fields.is_empty() {
            return;
        }
        let updated = pb::TicketUpdated {
            ticket: Some(facts(ticket)),
            fields,
            state: ticket.state.as_str().to_owned(),
            waiting_on: text(ticket.waiting_on.map(|on| on.as_str())),
        };
        self.publish(id, Data::TicketUpdated(updated));
    }
}

/// What every event of a ticket says about it.
pub(super) fn facts(ticket: &Ticket) -> pb::TicketFacts {
    pb::TicketFacts {
        ticket_id: ticket.id.to_string(),
        conversation_id: text(ticket.conversation),
        customer: ticket.customer.map(|customer| types::CustomerRef {
            customer_id: customer.customer.to_string(),
            record_id: customer.record.to_string(),
        }),
        queue_id: ticket.queue.to_string(),
        owner_agent_id: text(ticket.owner),
        priority: words::priority_out(ticket.priority).into(),
        impact: ticket
            .severity
            .map_or(0, |s| words::impact_out(s.impact).into()),
        urgency: ticket
            .severity
            .map_or(0, |s| words::urgency_out(s.urgency).into()),
        category: text(ticket.category.as_ref()),
        subcategory: text(ticket.subcategory.as_ref()),
        parent_ticket_id: text(ticket.parent),
        repeat_of_ticket_id: text(ticket.repeat_of),
        reassignment_count: i32::try_from(ticket.reassignment_count).unwrap_or(i32::MAX),
    }
}
