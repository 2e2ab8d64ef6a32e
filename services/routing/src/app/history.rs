//! What of a ticket changed, and what was written down about it.

use rapport_foundation::context::Context;
use rapport_foundation::id::{TicketId, TicketNoteId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::Command;
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::{HistoryEntry, Note, TicketField};

impl App {
    pub(crate) async fn list_ticket_changes(
        &self,
        ctx: &Context,
        id: TicketId,
        field: Option<TicketField>,
        paging: &Paging,
    ) -> Result<Listed<HistoryEntry>, Error> {
        let field_name = part(field.map(TicketField::as_str));
        let query = ["ListTicketChanges", &id.to_string(), &field_name];
        let listing = self.listing(ctx, &query, paging)?;
        self.known_ticket(ctx, id).await?;
        let page = self
            .store()
            .history(ctx.tenant, id, field, listing.after, listing.size);
        Ok(listing.listed(page.await?))
    }

    pub(crate) async fn add_ticket_note(
        &self,
        ctx: &Context,
        key: Key,
        ticket: TicketId,
        text: Personal,
    ) -> Result<Note, Error> {
        let author = self.author(ctx).await?;
        let command = Command::AddNote {
            ticket,
            text,
            author,
        };
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        let id = TicketNoteId::from_uuid(done.id);
        found(self.store().note(ctx.tenant, id).await?, "note", id)
    }

    pub(crate) async fn list_ticket_notes(
        &self,
        ctx: &Context,
        id: TicketId,
        paging: &Paging,
    ) -> Result<Listed<Note>, Error> {
        let query = ["ListTicketNotes", &id.to_string()];
        let listing = self.listing(ctx, &query, paging)?;
        self.known_ticket(ctx, id).await?;
        let page = self
            .store()
            .notes(ctx.tenant, id, listing.after, listing.size);
        Ok(listing.listed(page.await?))
    }

    async fn known_ticket(&self, ctx: &Context, id: TicketId) -> Result<(), Error> {
        match self.store().has_ticket(ctx.tenant, id).await? {
            true => Ok(()),
            false => Err(Error::not_found("ticket", id)),
        }
    }
}
