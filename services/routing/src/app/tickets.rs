use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::TicketId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::{Command, NewTicket};
use super::{App, Counted, Error, Listed, Paging, found, part};
use crate::domain::{Channel, Code, Solution, Ticket, TicketChange};
use crate::store::TicketFilter;

impl App {
    pub(crate) async fn create_ticket(
        &self,
        ctx: &Context,
        key: Key,
        new: NewTicket,
    ) -> Result<Ticket, Error> {
        let said = self.said(ctx, None, Personal::default()).await?;
        self.decided_ticket(ctx, key, Command::OpenTicket { new, said })
            .await
    }

    pub(crate) async fn get_ticket(&self, ctx: &Context, id: TicketId) -> Result<Counted, Error> {
        let (mut ticket, mut parts) = self.counted(ctx, id).await?;
        // To an end customer a stranger's ticket is none.
        let theirs = ticket
            .customer
            .is_some_and(|c| c.customer.to_string() == ctx.principal);
        if ctx.kind == PrincipalKind::Customer {
            if !theirs {
                return Err(Error::not_found("ticket", id));
            }
            // What another system says of them, and who reports the same, is for those who work on it.
            ticket.attributes.clear();
            parts = (0, 0);
        }
        Ok((ticket, parts))
    }

    pub(crate) async fn list_tickets(
        &self,
        ctx: &Context,
        filter: &TicketFilter,
        paging: &Paging,
    ) -> Result<Listed<Ticket>, Error> {
        let state = filter.state.map(|state| state.as_str());
        let query = [
            "ListTickets".to_owned(),
            part(state),
            part(filter.queue),
            part(filter.owner),
            part(filter.customer),
            part(filter.conversation),
            part(filter.merged_into),
            part(filter.parent),
        ];
        let listing = self.listing(ctx, &query.each_ref().map(String::as_str), paging)?;
        let store = self.store();
        let mut page = store
            .tickets(ctx.tenant, filter, listing.after, listing.size)
            .await?;
        // A page of them would not fit into an answer.
        for row in &mut page.rows {
            row.attributes.clear();
            row.resolution = Personal::default();
        }
        Ok(listing.listed(page))
    }

    pub(crate) async fn update_ticket(
        &self,
        ctx: &Context,
        key: Key,
        id: TicketId,
        change: TicketChange,
        (etag, reason): (Option<i64>, Personal),
    ) -> Result<Ticket, Error> {
        let said = self.said(ctx, None, reason).await?;
        let command = Command::ChangeTicket {
            id,
            change,
            etag,
            said,
        };
        self.decided_ticket(ctx, key, command).await
    }

    pub(crate) async fn resolve_ticket(
        &self,
        ctx: &Context,
        key: Key,
        id: TicketId,
        solution: Solution,
        (etag, reason): (Option<i64>, Personal),
    ) -> Result<Ticket, Error> {
        let by = self.actor(ctx).await?;
        let said = self.said(ctx, Some(by), reason).await?;
        let command = Command::ResolveTicket {
            id,
            by,
            solution,
            etag,
            said,
        };
        self.decided_ticket(ctx, key, command).await
    }

    pub(crate) async fn cancel_ticket(
        &self,
        ctx: &Context,
        key: Key,
        id: TicketId,
        outcome: Option<Code>,
        (etag, reason): (Option<i64>, Personal),
    ) -> Result<Ticket, Error> {
        let by = self.actor(ctx).await?;
        let said = self.said(ctx, Some(by), reason).await?;
        let command = Command::CancelTicket {
            id,
            by,
            outcome,
            etag,
            said,
        };
        self.decided_ticket(ctx, key, command).await
    }

    pub(crate) async fn reopen_ticket(
        &self,
        ctx: &Context,
        key: Key,
        id: TicketId,
        work_channel: Option<Channel>,
        (etag, reason): (Option<i64>, Personal),
    ) -> Result<Ticket, Error> {
        let said = self.said(ctx, None, reason).await?;
        let command = Command::ReopenTicket {
            id,
            work_channel,
            etag,
            said,
        };
        self.decided_ticket(ctx, key, command).await
    }

    pub(crate) async fn close_ticket(
        &self,
        ctx: &Context,
        key: Key,
        id: TicketId,
        (etag, reason): (Option<i64>, Personal),
    ) -> Result<Ticket, Error> {
        let said = self.said(ctx, None, reason).await?;
        self.decided_ticket(ctx, key, Command::CloseTicket { id, etag, said })
            .await
    }

    pub(super) async fn decided_ticket(
        &self,
        ctx: &Context,
        key: Key,
        command: Command,
    ) -> Result<Ticket, Error> {
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        match done.ticket {
            Some(ticket) => Ok(self.store().as_of_today(ctx.tenant, *ticket).await?),
            // A repetition is answered with what has become of it.
            None => {
                let id = TicketId::from_uuid(done.id);
                found(self.store().ticket(ctx.tenant, id).await?, "ticket", id)
            }
        }
    }
}
