//! Calls about many tickets: each ticket is a command of its own, with a request id of its own, so that other calls are
//! decided in between and a repetition goes on where the call was broken off.

use futures::{StreamExt as _, TryStreamExt as _};
use rapport_foundation::context::Context;
use rapport_foundation::db;
use rapport_foundation::id::{TicketId, TicketPickId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::{Actor, Command};
use super::{App, Error, found};
use crate::domain::{By, Solution, Ticket, TicketChange, TicketRefusal, TicketState};
use crate::store::TicketFilter;

/// Commands of one call that wait for their owner at a time.
const AT_A_TIME: usize = 32;
/// Tickets that one call may be about.
pub(crate) const BULK_MAX: u64 = 1_000;
/// Parts that are solved with their parent in one call.
const PARTS_MAX: u64 = 2_000;

/// What became of one ticket: the version it led to, or why it was refused.
pub(crate) struct OneOfMany {
    pub(crate) ticket: TicketId,
    pub(crate) outcome: Result<i64, Error>,
}

/// A ticket, how many parts it has, and how many of them are open.
pub(crate) type Counted = (Ticket, (u64, u64));

/// Which tickets a call is about.
#[derive(Debug)]
pub(crate) enum Which {
    Named(Vec<TicketId>),
    /// All that fit, and how many are to.
    Fitting(TicketFilter, u64),
}

impl App {
    pub(crate) async fn link_tickets(
        &self,
        ctx: &Context,
        key: Key,
        parent: TicketId,
        parts: Vec<TicketId>,
        reason: Personal,
    ) -> Result<(Counted, Vec<OneOfMany>), Error> {
        let whole = self.store().whole_of(ctx.tenant, parent).await?;
        let whole = found(whole, "ticket", parent)?;
        if whole != parent {
            return Err(TicketRefusal::Merged(whole).into());
        }
        let said = self.said(ctx, None, reason).await?;
        let change = TicketChange {
            parent: Some(Some(parent)),
            ..TicketChange::default()
        };
        let linked = self.each(ctx, &key, parts, |id| changed(id, &change, &said));
        let linked = linked.await?;
        Ok((self.counted(ctx, parent).await?, linked))
    }

    pub(crate) async fn resolve_incident(
        &self,
        ctx: &Context,
        key: Key,
        parent: TicketId,
        solution: Solution,
        (etag, reason): (Option<i64>, Personal),
    ) -> Result<(Counted, Vec<OneOfMany>), Error> {
        let said = self.said(ctx, None, reason).await?;
        let solve = |id, etag| Command::ResolveTicket {
            id,
            by: Actor::ForOthers,
            solution: solution.clone(),
            etag,
            said: said.clone(),
        };
        let own = Some(key.of(parent.uuid()));
        let solved = self.shell().submit(ctx.tenant, own, solve(parent, etag));
        match solved.await {
            Ok(_) => {}
            Err(Error::Ticket(TicketRefusal::NotOpen)) => self.is_solved(ctx, parent).await?,
            Err(error) => return Err(error),
        }
        let parts = self.store().open_parts(ctx.tenant, parent, PARTS_MAX);
        let parts = self.picked(ctx, key.clone(), parts.await?).await?;
        let solved = self.each(ctx, &key, parts, |id| solve(id, None)).await?;
        Ok((self.counted(ctx, parent).await?, solved))
    }

    /// What is solved may be an incident whose parts are not; what is over for good is none.
    async fn is_solved(&self, ctx: &Context, id: TicketId) -> Result<(), Error> {
        let ticket = self.store().ticket(ctx.tenant, id).await?;
        match found(ticket, "ticket", id)?.state {
            TicketState::Resolved => Ok(()),
            _ => Err(TicketRefusal::NotOpen.into()),
        }
    }

    pub(crate) async fn bulk_update_tickets(
        &self,
        ctx: &Context,
        key: Key,
        which: Which,
        change: TicketChange,
        reason: Personal,
    ) -> Result<Vec<OneOfMany>, Error> {
        let said = self.said(ctx, None, reason).await?;
        let tickets = match which {
            Which::Named(ids) => ids,
            Which::Fitting(filter, expected) => {
                self.fitting(ctx, key.clone(), &filter, expected).await?
            }
        };
        self.each(ctx, &key, tickets, |id| changed(id, &change, &said))
            .await
    }

    /// The tickets that fit a filter now, or fitted it when the call was made first.
    async fn fitting(
        &self,
        ctx: &Context,
        key: Key,
        filter: &TicketFilter,
        expected: u64,
    ) -> Result<Vec<TicketId>, Error> {
        if let Some(pick) = self.store().known_pick(ctx.tenant, &key).await? {
            return Ok(self.store().picked(ctx.tenant, pick).await?);
        }
        let store = self.store();
        let page = store.tickets(ctx.tenant, filter, None, BULK_MAX + 1);
        let mut ids: Vec<TicketId> = page.await?.rows.iter().map(|t| t.id).collect();
        let count = ids.len() as u64;
        if count != expected {
            return Err(Error::CountDiffers(count));
        }
        ids.reverse();
        self.picked(ctx, key, ids).await
    }

    /// These tickets, or those that the call was about when it was made first.
    async fn picked(
        &self,
        ctx: &Context,
        key: Key,
        ids: Vec<TicketId>,
    ) -> Result<Vec<TicketId>, Error> {
        let command = Command::PickTickets(ids);
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        let pick = TicketPickId::from_uuid(done.id);
        Ok(self.store().picked(ctx.tenant, pick).await?)
    }

    /// Has a command decided for each of these, in their order.
    async fn each(
        &self,
        ctx: &Context,
        key: &Key,
        mut ids: Vec<TicketId>,
        command: impl Fn(TicketId) -> Command,
    ) -> Result<Vec<OneOfMany>, Error> {
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        let decided = ids.into_iter().map(|ticket| {
            let own = Some(key.of(ticket.uuid()));
            let decided = self.shell().submit(ctx.tenant, own, command(ticket));
            async move {
                let outcome = decided.await.map(|done| done.version);
                match outcome {
                    Err(error) if concerns_all(&error) => Err(error),
                    outcome => Ok(OneOfMany { ticket, outcome }),
                }
            }
        });
        let decided = futures::stream::iter(decided).buffered(AT_A_TIME);
        decided.try_collect().await
    }

    pub(crate) async fn counted(&self, ctx: &Context, id: TicketId) -> Result<Counted, Error> {
        let ticket = self.store().ticket(ctx.tenant, id).await?;
        let ticket = found(ticket, "ticket", id)?;
        let parts = self.store().part_counts(ctx.tenant, &ticket).await?;
        Ok((ticket, parts))
    }
}

fn changed(id: TicketId, change: &TicketChange, said: &By) -> Command {
    Command::ChangeTicket {
        id,
        change: change.clone(),
        etag: None,
        said: said.clone(),
    }
}

/// Whether the rest of a call would fail in the same way: it is made again as a whole.
const fn concerns_all(error: &Error) -> bool {
    match error {
        Error::Store(error) => !matches!(error, db::Error::Corrupt(_)),
        Error::Overloaded | Error::NotOwner | Error::Draining => true,
        _ => false,
    }
}
