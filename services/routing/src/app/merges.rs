//! Which tickets are one matter.

use rapport_foundation::context::Context;
use rapport_foundation::id::TicketId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::{Command, Split};
use super::{App, Error, found};
use crate::domain::Ticket;

/// On which version, and what for.
type Terms = (Option<i64>, Personal);

impl App {
    /// Answers the ticket that stands for both, and the other.
    pub(crate) async fn merge_tickets(
        &self,
        ctx: &Context,
        key: Key,
        (whole, part): (TicketId, TicketId),
        etags: (Option<i64>, Option<i64>),
        reason: Personal,
    ) -> Result<(Ticket, Ticket), Error> {
        let said = self.said(ctx, None, reason).await?;
        let command = Command::MergeTickets {
            whole,
            part,
            etags,
            said,
        };
        let whole = self.decided_ticket(ctx, key, command).await?;
        let merged = self.store().ticket(ctx.tenant, part).await?;
        Ok((whole, found(merged, "ticket", part)?))
    }

    pub(crate) async fn unmerge_ticket(
        &self,
        ctx: &Context,
        key: Key,
        part: TicketId,
        (etag, reason): Terms,
    ) -> Result<Ticket, Error> {
        let said = self.said(ctx, None, reason).await?;
        let command = Command::UnmergeTicket { part, etag, said };
        self.decided_ticket(ctx, key, command).await
    }

    /// Answers the new ticket, and the one that it was taken out of.
    pub(crate) async fn split_ticket(
        &self,
        ctx: &Context,
        key: Key,
        id: TicketId,
        split: Split,
        (etag, reason): Terms,
    ) -> Result<(Ticket, Ticket), Error> {
        let said = self.said(ctx, None, reason).await?;
        let command = Command::SplitTicket {
            id,
            split,
            etag,
            said,
        };
        let new = self.decided_ticket(ctx, key, command).await?;
        let old = self.store().ticket(ctx.tenant, id).await?;
        Ok((new, found(old, "ticket", id)?))
    }
}
