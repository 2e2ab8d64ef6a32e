//! Tickets that are one matter: which stands for which, and how one becomes another's and its own again.

use rapport_foundation::events::Data;
use rapport_foundation::id::{ConversationId, TicketId, TicketPickId};
use rapport_proto::events::v1 as pb;

use super::super::Error;
use super::super::command::Done;
use super::Fold;
use crate::domain::engine::Input;
use crate::domain::sla::{SlaRecord, WaitingOn};
use crate::domain::{By, Changed, Ticket, TicketField, TicketRefusal, TicketState, WorkState};

impl Fold<'_> {
    /// The ticket that stands for this one: itself, unless it was merged.
    pub(super) fn whole(&self, id: TicketId) -> TicketId {
        let mut whole = id;
        for _ in 0..Ticket::MERGED_DEEP_MAX {
            let next = self.loaded.tickets.get(&whole);
            match next.and_then(|ticket| ticket.merged_into) {
                Some(next) => whole = next,
                None => break,
            }
        }
        whole
    }

    /// A ticket and all that were merged into it, and into those.
    pub(super) fn family(&self, id: TicketId) -> Vec<TicketId> {
        let mut family = vec![id];
        let merged = self.loaded.tickets.get(&id).map(|t| t.merged_count);
        if merged.unwrap_or_default() == 0 {
            return family;
        }
        let mut looked_at = 0;
        while let Some(whole) = family.get(looked_at).copied() {
            let tickets = self.loaded.tickets.values();
            let parts = tickets.filter(|ticket| ticket.merged_into == Some(whole));
            let mut parts: Vec<TicketId> = parts.map(|ticket| ticket.id).collect();
            // The same wherever it is decided.
            parts.sort_unstable();
            family.extend(parts);
            looked_at += 1;
        }
        family
    }

    /// The oldest ticket of a conversation that is open, or that an open one stands for.
    pub(super) fn open_in(&self, conversation: ConversationId) -> Option<TicketId> {
        let found = self.loaded.by_conversation.get(&conversation).copied();
        found.filter(|id| {
            let whole = self.loaded.tickets.get(&self.whole(*id));
            whole.is_some_and(|ticket| ticket.state.is_open())
        })
    }

    /// A ticket that stands for itself.
    pub(super) fn own_ticket(&self, id: TicketId) -> Result<&Ticket, Error> {
        let ticket = self.loaded.tickets.get(&id);
        let ticket = ticket.ok_or_else(|| Error::not_found("ticket", id))?;
        match ticket.merged_into {
            Some(_) => Err(TicketRefusal::Merged(self.whole(id)).into()),
            None => Ok(ticket),
        }
    }

    pub(super) fn merge_tickets(
        &mut self,
        whole: TicketId,
        part: TicketId,
        (etag, part_etag): (Option<i64>, Option<i64>),
        said: &By,
    ) -> Result<Done, Error> {
        if !self.loaded.tickets.contains_key(&whole) {
            return Err(Error::not_found("ticket", whole));
        }
        if !self.loaded.tickets.contains_key(&part) {
            return Err(Error::not_found("ticket", part));
        }
        let whole = self.whole(whole);
        let before = self.ticket(whole, etag)?.clone();
        if self.whole(part) == whole {
            return Ok(Done::new(whole.uuid(), before.version));
        }
        let part_before = self.ticket(part, part_etag)?.clone();
        part_before.may_join(&before)?;
        self.may_grow(whole, part)?;
        self.check_parent(Some(part), whole)?;
        let (now, record) = (self.now, self.sla_of(part));
        if let Some(ticket) = self.loaded.tickets.get_mut(&part) {
            ticket.join(whole, now);
        }
        if let Some(ticket) = self.loaded.tickets.get_mut(&whole) {
            ticket.stands_for(before.merged_count + 1, now);
        }
        self.put_ticket(part, Some(&part_before), said);
        self.put_ticket(whole, Some(&before), said);
        let told = Changed {
            field: TicketField::Merged,
            old: String::new(),
            new: part.to_string(),
        };
        self.tell_change(whole, told, said);
        let (ticket, merged_ticket) = (self.facts_of(whole), self.facts_of(part));
        let merged = pb::TicketMerged {
            ticket,
            merged_ticket,
        };
        self.publish(whole, Data::TicketMerged(merged));
        if let (Some(record), Some(own)) = (record, self.record(whole)) {
            own.join(&record, now);
        }
        self.date_anew(part);
        self.date_anew(whole);
        // What follows in this batch finds the one that stands for both.
        for id in self.family(part) {
            let conversation = self.loaded.tickets.get(&id).and_then(|t| t.conversation);
            if let Some(conversation) = conversation.filter(|_| before.state.is_open()) {
                let known = self.loaded.by_conversation.entry(conversation);
                known.or_insert(id);
            }
        }
        Ok(Done::new(whole.uuid(), before.version + 1))
    }

    /// Whether so many may become one. A chain of merges stays so short that whoever follows it comes to its end.
    fn may_grow(&self, whole: TicketId, part: TicketId) -> Result<(), TicketRefusal> {
        let theirs = self.family(part);
        let steps = |id: &TicketId| {
            let mut next = Some(*id);
            let path = std::iter::from_fn(|| {
                next = self.loaded.tickets.get(&next?)?.merged_into;
                next
            });
            path.take(Ticket::MERGED_DEEP_MAX).count()
        };
        let deepest = theirs.iter().map(steps).max().unwrap_or_default();
        let count = self.family(whole).len() + theirs.len();
        if count > Ticket::MERGED_MAX || deepest >= Ticket::MERGED_DEEP_MAX {
            return Err(TicketRefusal::MergedTooMany);
        }
        Ok(())
    }

    pub(super) fn unmerge_ticket(
        &mut self,
        part: TicketId,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        let (now, whole, family) = (self.now, self.whole(part), self.family(part));
        let ticket = self.loaded.tickets.get_mut(&part);
        let ticket = ticket.ok_or_else(|| Error::not_found("ticket", part))?;
        if etag.is_some_and(|etag| etag != ticket.version) {
            return Err(Error::EtagMismatch);
        }
        let before = ticket.clone();
        let into = ticket.leave(now)?;
        self.put_ticket(part, Some(&before), said);
        if let Some(ticket) = self.loaded.tickets.get_mut(&into) {
            let before = ticket.clone();
            ticket.stands_for(before.merged_count.saturating_sub(1), now);
            self.put_ticket(into, Some(&before), said);
        }
        let told = Changed {
            field: TicketField::Merged,
            old: part.to_string(),
            new: String::new(),
        };
        self.tell_change(into, told, said);
        let (ticket, merged_ticket) = (self.facts_of(into), self.facts_of(part));
        let unmerged = pb::TicketUnmerged {
            ticket,
            merged_ticket,
            merged_open: before.state.is_open(),
        };
        self.publish(into, Data::TicketUnmerged(unmerged));
        self.take_back(whole, part, &family)?;
        let version = self.loaded.tickets.get(&part).map_or(0, |t| t.version);
        Ok(Done::new(part.uuid(), version))
    }

    /// What happened meanwhile counts for the ticket itself again.
    fn take_back(
        &mut self,
        whole: TicketId,
        part: TicketId,
        family: &[TicketId],
    ) -> Result<(), Error> {
        let asked = self.sla_of(whole).is_some_and(|record| {
            let mut family = family.iter();
            family.any(|id| record.was_asked_since(*id))
        });
        if let (Some(mut record), Some(mut own)) = (self.sla_of(whole), self.sla_of(part)) {
            record.leave(&mut own, family);
            self.loaded.slas.insert(whole, record);
            self.loaded.slas.insert(part, own);
        }
        self.date_anew(whole);
        self.date_anew(part);
        let ticket = self.loaded.tickets.get(&part);
        let Some(ticket) = ticket else { return Ok(()) };
        let (state, waits) = (ticket.state, ticket.waiting_on);
        let stood = self.loaded.tickets.get(&whole).map(|ticket| ticket.state);
        if state == TicketState::Resolved && self.has_work(family) {
            self.reopen_ticket(part, None, None, &By::default())?;
        } else if state.is_open() && !stood.is_some_and(TicketState::is_open) {
            // Its work is not done because that of the other ticket is.
            self.step_family(part, Input::TicketReopened);
        }
        if waits == Some(WaitingOn::Customer) && asked {
            self.wake(part, self.now);
        }
        Ok(())
    }

    /// Whether somebody is or will be at any of these.
    fn has_work(&self, family: &[TicketId]) -> bool {
        let items = family
            .iter()
            .flat_map(|id| self.tenant.engine.items_of(*id));
        let mut open = items.filter(|work| !matches!(work.state, WorkState::WrappingUp { .. }));
        open.any(|work| !work.settled)
    }

    fn sla_of(&mut self, id: TicketId) -> Option<SlaRecord> {
        self.record(id).cloned()
    }

    /// Keeps what a call is about, so that its repetition is about the same.
    pub(super) fn pick_tickets(&mut self, ids: &[TicketId]) -> Done {
        let pick = TicketPickId::new(self.now);
        self.decision.picks.push((pick, ids.to_vec(), self.now));
        Done::new(pick.uuid(), 1)
    }

    /// For the engine each of a family is a ticket of its own.
    pub(super) fn step_family(&mut self, id: TicketId, input: fn(TicketId) -> Input) {
        for id in self.family(id) {
            // The engine refuses no news of tickets.
            let _ = self.step(input(id));
        }
    }

    /// The clocks of a ticket are others than they were. What is solved stays dated as it was.
    fn date_anew(&mut self, id: TicketId) {
        let ticket = self.loaded.tickets.get(&id);
        if !ticket.is_some_and(Ticket::is_at_work) {
            self.slas.insert(id, None);
            return;
        }
        if let Some(record) = self.record(id) {
            record.date_anew();
        }
        self.stand(id);
    }
}
