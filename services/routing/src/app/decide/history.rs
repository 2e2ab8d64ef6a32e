//! What is kept of changes: every field of a ticket that is different, who did it and what for.

use rapport_foundation::id::{RecordId, TicketChangeId, TicketId, TicketNoteId};
use rapport_foundation::personal::Personal;

use super::super::Error;
use super::super::command::Done;
use super::Fold;
use crate::domain::{Author, By, HistoryEntry, Note, Ticket, TicketRefusal, differences};
use crate::store::Worded;

impl Fold<'_> {
    /// A ticket is another than `before`, or new: it is stored, and what changed is told. The one way to mark a ticket
    /// as changed, so that no change goes unnoticed.
    pub(super) fn put_ticket(&mut self, id: TicketId, before: Option<&Ticket>, by: &By) {
        let Some(ticket) = self.loaded.tickets.get(&id) else {
            return;
        };
        self.tickets.insert(id);
        let (now, version, record) = (self.now, ticket.version, record_of(ticket));
        let changes = differences(before, ticket).into_iter();
        let entries = changes.map(|what| Worded {
            what: HistoryEntry {
                id: TicketChangeId::new(now),
                ticket: id,
                at: now,
                version,
                by: by.clone(),
                what,
            },
            record,
        });
        self.decision.history.extend(entries);
    }

    pub(super) fn add_note(
        &mut self,
        id: TicketId,
        text: &Personal,
        author: &Author,
    ) -> Result<Done, Error> {
        let ticket = self.loaded.tickets.get(&id);
        let ticket = ticket.ok_or_else(|| Error::not_found("ticket", id))?;
        let note = Note {
            id: TicketNoteId::new(self.now),
            ticket: id,
            at: self.now,
            author: author.clone(),
            text: text.clone(),
        };
        let done = Done::new(note.id.uuid(), 1);
        let record = record_of(ticket);
        self.decision.notes.push(Worded { what: note, record });
        Ok(done)
    }

    /// Whether a ticket, or a new one, may be a part of another.
    pub(super) fn check_parent(
        &self,
        part: Option<TicketId>,
        parent: TicketId,
    ) -> Result<(), Error> {
        let mut above = Some(parent);
        for _ in 0..Ticket::ABOVE_MAX {
            let Some(id) = above else { return Ok(()) };
            if part == Some(id) {
                return Err(TicketRefusal::ParentIsPart.into());
            }
            let ticket = self.loaded.tickets.get(&id);
            above = ticket.ok_or_else(|| Error::not_found("ticket", id))?.parent;
        }
        match above {
            Some(_) => Err(TicketRefusal::ParentTooHigh.into()),
            None => Ok(()),
        }
    }
}

pub(super) fn record_of(ticket: &Ticket) -> Option<RecordId> {
    ticket.customer.map(|customer| customer.record)
}
