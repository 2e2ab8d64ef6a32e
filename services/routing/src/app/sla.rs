use rapport_foundation::context::Context;
use rapport_foundation::id::{TenantId, TicketId};
use rapport_foundation::time::Micros;

use super::{App, Error, found};
use crate::domain::sla::{Book, Clock, Edition, Hours, Mark, Redating, SlaRecord, clocks};

/// Open tickets looked at to tell what an edit does; all of them are dated anew.
const LOOKED_AT_MAX: u64 = 20_000;
/// Of them, read at a time.
const AT_A_TIME: u64 = 1_000;

/// Why the clocks of a ticket stand as they do.
pub(crate) struct Explained {
    pub(crate) ticket: TicketId,
    pub(crate) at: Micros,
    /// What holds for it, in which version; none when nothing does.
    pub(crate) terms: Option<(Edition, Hours)>,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) marks: Vec<Mark>,
}

impl App {
    pub(super) fn now(&self) -> Micros {
        self.0.env.clock.now()
    }

    /// An open ticket stands by what is promised now; what is over, by what was promised then. Of a ticket that was
    /// merged the clocks of the one that stands for it are told.
    pub(crate) async fn explain_sla(
        &self,
        ctx: &Context,
        id: TicketId,
    ) -> Result<Explained, Error> {
        let (store, tenant, now) = (self.store(), ctx.tenant, self.now());
        let id = store.whole_of(tenant, id).await?.unwrap_or(id);
        let ticket = found(store.ticket(tenant, id).await?, "ticket", id)?;
        let record = store.sla_record(tenant, id).await?;
        let mut record = record.unwrap_or_else(|| SlaRecord::of(&ticket));
        let mut explained = Explained {
            ticket: id,
            at: now,
            terms: None,
            clocks: Vec::new(),
            marks: Vec::new(),
        };
        if ticket.state.is_open() {
            let book = store.book(tenant).await?;
            let done = record.marks.clone();
            explained.clocks = record.stand(&book, now).clocks;
            // What is due this very moment is not done by looking at it.
            record
                .marks
                .retain(|mark| mark.found || done.contains(mark));
            let terms = book.terms(&record.traits);
            explained.terms = terms.map(|terms| (terms.edition(), terms.calendar.hours.clone()));
        } else if let Some(edition) = record.edition {
            let promise = store
                .policy_at(tenant, edition.policy, edition.policy_version)
                .await?;
            let timetable = store
                .calendar_at(tenant, edition.calendar, edition.calendar_version)
                .await?;
            let promise = promise.ok_or(Error::Broken)?;
            let hours = timetable.and_then(|timetable| Hours::new(&timetable).ok());
            let hours = hours.ok_or(Error::Broken)?;
            explained.clocks = clocks(&record.whole(), &promise.targets, &hours);
            explained.terms = Some((edition, hours));
        }
        explained.marks = record.marks;
        Ok(explained)
    }

    /// What an edit does to open tickets, and whether there are more than were looked at.
    pub(super) async fn redating(
        &self,
        tenant: TenantId,
        before: &Book,
        after: &Book,
    ) -> Result<(Redating, bool), Error> {
        let now = self.now();
        let mut redating = Redating::default();
        let mut behind = None;
        loop {
            let records = self.store().open_sla_records(tenant, behind, AT_A_TIME);
            let page = records.await?;
            for record in &page.rows {
                redating.add(record, before, after, now);
            }
            behind = page.next;
            let enough = redating.tickets >= LOOKED_AT_MAX;
            if behind.is_none() || enough {
                return Ok((redating, behind.is_some()));
            }
        }
    }
}
