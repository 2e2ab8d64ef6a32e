//! The clocks of tickets: what happens to a ticket is noted, and what is due is done.

use rapport_foundation::events::Data;
use rapport_foundation::id::TicketId;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as pb;

use super::super::command::Linked;
use super::super::words;
use super::Fold;
use crate::domain::engine::Input;
use crate::domain::sla::{Action, Clock, ClockId, Firing, Happening, Outcome, SlaRecord, traits};
use crate::domain::{By, Channel, Ticket, TicketChange, TicketState, WorkItem};
use crate::store::SlaRow;

impl Fold<'_> {
    /// Begins the clocks of a ticket that was just opened.
    pub(super) fn count_from(&mut self, id: TicketId, since: Micros, channel: Option<Channel>) {
        if let Some(ticket) = self.loaded.tickets.get(&id) {
            let record = SlaRecord::new(id, traits(ticket, channel), since);
            self.loaded.slas.insert(id, record);
            self.stand(id);
        }
    }

    /// Notes what happened to a ticket. The clocks are those of the one that stands for it; a message in one of its own
    /// conversations goes with it when it stands for itself again.
    pub(super) fn happened(&mut self, of: TicketId, at: Micros, what: Happening) {
        let id = self.whole(of);
        if !self.may_happen(id, what) {
            return;
        }
        // What became due before it is done first. What was solved, and is not, was not late meanwhile.
        let before = match what {
            Happening::Reopened => Vec::new(),
            _ => self.stand(id),
        };
        let at = at.min(self.now);
        let noted = self
            .record(id)
            .is_some_and(|record| record.note(of, at, what));
        if !noted {
            return;
        }
        let after = self.stand(id);
        for clock in after.iter().filter(|clock| is_newly_met(clock, &before)) {
            self.tell_met(id, clock);
        }
    }

    /// Whether it is something to the clocks. What is solved stays dated as it was, and hears of answers alone.
    fn may_happen(&mut self, id: TicketId, what: Happening) -> bool {
        let ticket = self.loaded.tickets.get(&id);
        if ticket.is_some_and(|ticket| ticket.state.is_open()) {
            return true;
        }
        match what {
            Happening::Resolved | Happening::Cancelled => true,
            Happening::AgentReply => {
                let Some(record) = self.record(id).cloned() else {
                    return false;
                };
                let terms = self.tenant.book.terms(&record.traits);
                terms.map(|terms| terms.edition()) == record.edition
            }
            _ => false,
        }
    }

    /// A contact of a ticket's conversation: the customer asked, or one of us answered.
    pub(super) fn heard(&mut self, linked: &Linked) {
        if linked.automatic || linked.history {
            return;
        }
        let what = match linked.inbound {
            true => Happening::CustomerMessage,
            false => Happening::AgentReply,
        };
        let Some(conversation) = linked.conversation else {
            return;
        };
        let open = self.open_in(conversation);
        if what == Happening::AgentReply && open.is_some_and(|ticket| self.is_with_bots(ticket)) {
            return;
        }
        // Who answers and solves at once may be heard of in the other order.
        let solved = self.loaded.solved.get(&conversation);
        let solved = solved.filter(|_| what == Happening::AgentReply);
        if let Some(ticket) = open.or(solved.copied()) {
            self.happened(ticket, self.when(linked), what);
        }
        // Whoever parked work of the matter looks at what the customer says.
        if let Some(ticket) = open.filter(|_| what == Happening::CustomerMessage) {
            self.step_family(self.whole(ticket), Input::CustomerWrote);
        }
    }

    /// Whether bots have work of a ticket in hand, and nobody of us has: what is said to the customer then is theirs.
    fn is_with_bots(&self, ticket: TicketId) -> bool {
        let engine = &self.tenant.engine;
        let family = self.family(self.whole(ticket));
        let work = family.iter().flat_map(|id| engine.items_of(*id));
        let accepted = work.filter(|work| work.offer().is_none());
        let mut hands = accepted.filter_map(WorkItem::agent).peekable();
        hands.peek().is_some() && hands.all(|agent| engine.is_virtual(agent))
    }

    /// When a contact counts from: when it took place, and never later than we heard of it.
    pub(super) fn when(&self, linked: &Linked) -> Micros {
        linked.at.map_or(self.now, |at| at.min(self.now))
    }

    /// What a change by hand means to the clocks.
    pub(super) fn changed_by_hand(&mut self, before: &Ticket, after: &Ticket) {
        let id = after.id;
        let (old, new) = (traits(before, None), traits(after, None));
        if old != new {
            self.stand(id);
            if let Some(record) = self.record(id) {
                record.traits.change(&old, &new);
            }
            self.stand(id);
        }
        let waits = |ticket: &Ticket| {
            let pending = ticket.state == TicketState::Pending;
            ticket.waiting_on.filter(|_| pending)
        };
        match (waits(before), waits(after)) {
            (old, new) if old == new => {}
            (_, Some(on)) => self.happened(id, self.now, on.into()),
            (_, None) => self.happened(id, self.now, Happening::Resumed),
        }
    }

    /// Dates a ticket and does what is due. Answers its clocks.
    pub(super) fn stand(&mut self, id: TicketId) -> Vec<Clock> {
        let now = self.now;
        let Some(mut record) = self.record(id).cloned() else {
            return Vec::new();
        };
        if self.whole(id) != id {
            self.slas.insert(id, None);
            return Vec::new();
        }
        let standing = record.stand(&self.tenant.book, now);
        let open = self
            .loaded
            .tickets
            .get(&id)
            .is_some_and(|ticket| ticket.state.is_open());
        self.loaded.slas.insert(id, record);
        self.slas.insert(id, standing.next_at.filter(|_| open));
        for firing in standing.firings {
            self.fire(id, &firing);
        }
        standing.clocks
    }

    /// What the clocks of the tickets that were looked at are made of now.
    pub(super) fn sla_rows(&mut self) -> Vec<SlaRow> {
        let slas = std::mem::take(&mut self.slas).into_iter();
        let row = |(id, next_at)| {
            let ticket = self.loaded.tickets.get(&id)?;
            Some(SlaRow {
                record: self.loaded.slas.remove(&id)?,
                is_open: ticket.is_at_work(),
                next_at,
            })
        };
        slas.filter_map(row).collect()
    }

    pub(super) fn record(&mut self, id: TicketId) -> Option<&mut SlaRecord> {
        let ticket = self.loaded.tickets.get(&id)?;
        let record = self.loaded.slas.entry(id);
        Some(record.or_insert_with(|| SlaRecord::of(ticket)))
    }

    fn fire(&mut self, id: TicketId, firing: &Firing) {
        let clock = self.clock_facts(id, firing.clock, firing.clock_due);
        let Some((step, action)) = &firing.step else {
            let ticket = self.facts_of(id);
            let breached = pb::SlaBreached { ticket, clock };
            return self.publish(id, Data::SlaBreached(breached));
        };
        self.act(id, action);
        let escalated = pb::SlaEscalated {
            ticket: self.facts_of(id),
            clock,
            step: step.to_string(),
            action: action.name().to_owned(),
            step_time: Some(firing.due.into()),
        };
        self.publish(id, Data::SlaEscalated(escalated));
    }

    fn act(&mut self, id: TicketId, action: &Action) {
        let Some(before) = self.loaded.tickets.get(&id).cloned() else {
            return;
        };
        let mut after = before.clone();
        let change = match action {
            Action::RaisePriority(priority) if after.raise(*priority, self.now) => {
                return self.acted(&before, after);
            }
            Action::Move(queue) if before.queue != *queue => TicketChange {
                queue: Some(*queue),
                ..TicketChange::default()
            },
            Action::Assign(agent) if before.owner != Some(*agent) => TicketChange {
                owner: Some(Some(*agent)),
                ..TicketChange::default()
            },
            _ => return,
        };
        // A clock that has not ended belongs to a ticket that can be changed.
        if after.change(change, self.now).is_ok() {
            self.acted(&before, after);
        }
    }

    fn acted(&mut self, before: &Ticket, after: Ticket) {
        self.loaded.tickets.insert(after.id, after.clone());
        self.put_ticket(after.id, Some(before), &By::default());
        self.move_work(before, &after);
    }

    fn tell_met(&mut self, id: TicketId, clock: &Clock) {
        let Some((at, _)) = clock.ended else { return };
        let met = pb::SlaMet {
            ticket: self.facts_of(id),
            clock: self.clock_facts(id, clock.id, clock.due),
            met_time: Some(at.into()),
            breached: clock.is_breached(at),
        };
        self.publish(id, Data::SlaMet(met));
    }

    fn clock_facts(
        &self,
        id: TicketId,
        clock: ClockId,
        due: Option<Micros>,
    ) -> Option<pb::SlaClockFacts> {
        let edition = self.loaded.slas.get(&id)?.edition?;
        Some(pb::SlaClockFacts {
            kind: words::clock_kind_out(clock.kind).into(),
            cycle: i32::try_from(clock.cycle).unwrap_or(i32::MAX),
            sla_policy_id: edition.policy.to_string(),
            sla_policy_version: edition.policy_version,
            due_time: due.map(Into::into),
        })
    }
}

fn is_newly_met(clock: &Clock, before: &[Clock]) -> bool {
    let met = |clock: &Clock| matches!(clock.ended, Some((_, Outcome::Met)));
    let was = before.iter().find(|was| was.id == clock.id);
    met(clock) && !was.is_some_and(met)
}
