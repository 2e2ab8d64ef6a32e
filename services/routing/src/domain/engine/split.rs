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
            if let Some(ids) = self.by_ticket.get_mut(&before) {
                ids.retain(|other| other != id);
                if ids.is_empty() {
                    self.by_ticket.remove(&before);
                }
            }
            self.by_ticket.entry(ticket).or_default().push(*id);
            self.touch_item(*id);
        }
    }
}
