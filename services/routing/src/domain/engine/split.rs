//! Work that turned out to belong to another ticket.

use rapport_foundation::id::{TicketId, WorkItemId};

use super::Engine;

impl Engine {
    /// Open work belongs to this ticket now. Nothing else about it changes.
    pub(super) fn split(&mut self, items: &[WorkItemId], ticket: TicketId) {
        for id in items {
            let Some(held) = self.items.get_mut(id) else {
                continue;
            };
            let before = std::mem::replace(&mut held.work.ticket, ticket);
            self.by_ticket.remove(&(before, *id));
            self.by_ticket.insert((ticket, *id));
            self.touch_item(*id);
        }
    }
}
