//! What is kept of changes: every field of a ticket that is different, who did it and what for.

use rapport_foundation::id::{RecordId, TicketChangeId, TicketId, TicketNoteId};
use rapport_foundation::personal::Personal;

use super::super::Error;
use super::super::command::Done;
use super::Fold;
use crate::domain::{Author, By, Changed, HistoryEntry, Note, Ticket, TicketRefusal, differences};
use crate::store::Worded;

impl Fold<'_> {
    /// A ticket is another than `before`, or new: it is stored, and what changed is told. The one way to mark a ticket
    /// as changed, so that no change goes unnoticed.
    pub(super) fn put_ticket(&mut self, id: TicketId, before: Option<&Ticket>, by: &By) {
        let Some(ticket) = self.loaded.tickets.get(&id) else {
            return;
        };
        self.tickets.insert(id);
        for what in differences(before, ticket) {
            self.tell_change(id, what, by);
        }
    }

    /// Adds a row to what is kept of a ticket's changes.
    pub(super) fn tell_change(&mut self, id: TicketId, what: Changed, by: &By) {
        let Some(ticket) = self.loaded.tickets.get(&id) else {
            return;
        };
        let entry = HistoryEntry {
            id: TicketChangeId::new(self.now),
            ticket: id,
            at: self.now,
            version: ticket.version,
            by: by.clone(),
            what,
        };
        let record = record_of(ticket);
        self.decision.history.push(Worded {
            what: entry,
            record,
        });
    }

    pub(super) fn add_note(
        &mut self,
        id: TicketId,
        text: &Personal,
        author: &Author,
    ) -> Result<Done, Error> {
        self.own_ticket(id)?;
        let note = TicketNoteId::new(self.now);
        self.put_note(note, id, text, author);
        Ok(Done::new(note.uuid(), 1))
    }

    /// Adds a note to a ticket that was loaded.
    pub(super) fn put_note(
        &mut self,
        id: TicketNoteId,
        ticket: TicketId,
        text: &Personal,
        author: &Author,
    ) {
        let note = Note {
            id,
            ticket,
            at: self.now,
            author: author.clone(),
            text: text.clone(),
        };
        let record = self.loaded.tickets.get(&ticket).and_then(record_of);
        self.decision.notes.push(Worded { what: note, record });
    }

    /// Whether a ticket, or a new one, may be a part of another. Above one that was merged is the one it was merged
    /// into.
    pub(super) fn check_parent(
        &self,
        part: Option<TicketId>,
        parent: TicketId,
    ) -> Result<(), Error> {
        self.own_ticket(parent)?;
        let mut above = Some(parent);
        for _ in 0..Ticket::ABOVE_MAX {
            let Some(id) = above else { return Ok(()) };
            if part == Some(id) {
                return Err(TicketRefusal::ParentIsPart.into());
            }
            let ticket = self.loaded.tickets.get(&id);
            let ticket = ticket.ok_or_else(|| Error::not_found("ticket", id))?;
            above = ticket.merged_into.or(ticket.parent);
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
