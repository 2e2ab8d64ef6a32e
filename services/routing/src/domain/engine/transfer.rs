//! Contacts that one agent hands on to others, work that waits for one agent alone, and contacts on hold.
//!
//! Work that is kept for somebody stands in a line of their own until its time is over or they do not take it. A free
//! agent looks at that line as at those of their queues, so that what is kept for them has no other turn than its own.

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::commands::About;
use super::input::{Effect, Refusal};
use super::skills::Grades;
use super::{Engine, Timer};
use crate::domain::contact_command::CommandKind;
use crate::domain::{Code, Kept, OfferEnd, Passage, WorkItem, WorkState};

impl Engine {
    /// Ends the work of an agent who hands the contact on, and lets what goes on with it wait.
    pub(super) fn hand_on(
        &mut self,
        now: Micros,
        (id, agent): (WorkItemId, AgentId),
        next: WorkItem,
        (disposition, skip_wrap_up): (Option<Code>, bool),
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.has_contact(id, agent)?;
        self.asks_nobody(id)?;
        let hops = self.hops_to(id)?;
        self.may_keep_for(agent, &next)?;
        if self.items.contains_key(&next.id) {
            return Err(Refusal::WorkKnown);
        }
        let goes_on = next.id;
        let mut next = WorkItem {
            state: WorkState::Waiting,
            ..next
        };
        let before = self.passage(id).cloned().unwrap_or_default();
        next.pass(|passage| {
            passage.before = Some(id);
            passage.hops = hops;
            passage.connector = before.connector;
            passage.commanded = before.commanded;
            passage.callback = before.callback;
        });
        let about = About::queue(next.queue, goes_on, agent);
        self.command(id, CommandKind::Transfer, about, out);
        self.link(id, |passage| passage.next = Some(goes_on));
        self.insert(next);
        self.touched.open.insert(goes_on);
        out.push(Effect::HandedOn {
            item: id,
            agent,
            next: goes_on,
        });
        out.push(Effect::Queued { item: goes_on });
        self.pass_over(now, goes_on, agent);
        self.complete(now, id, agent, disposition, skip_wrap_up, out)?;
        self.match_item(now, goes_on, out);
        Ok(())
    }

    /// Whether the agent has it in hand, with somebody at the other end who may be given to others.
    pub(super) fn has_contact(&self, id: WorkItemId, agent: AgentId) -> Result<(), Refusal> {
        self.in_hands(id, agent)?;
        let gone = |work: &WorkItem| {
            // The matter may be solved with somebody on the line, where a connector tells when they are gone.
            work.settled && (!work.has_connector() || self.is_past_consult(work))
        };
        match self.item(id) {
            Some(work) if gone(work) => Err(Refusal::ContactOver),
            _ => Ok(()),
        }
    }

    /// Whether the agent has it in hand, and nobody knows that the contact is over.
    pub(super) fn in_hands(&self, id: WorkItemId, agent: AgentId) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        match work.state {
            WorkState::Accepted { agent: theirs, .. } if theirs != agent => Err(Refusal::NotTheirs),
            WorkState::Accepted { .. } if work.is_over() => Err(Refusal::ContactOver),
            WorkState::Accepted { .. } => Ok(()),
            WorkState::WrappingUp { .. } => Err(Refusal::ContactOver),
            _ => Err(Refusal::WorkNotAccepted),
        }
    }

    /// How often the contact of this work is handed on with once more.
    pub(super) fn hops_to(&self, id: WorkItemId) -> Result<u16, Refusal> {
        let hops = self.passage(id).map_or(0, |passage| passage.hops);
        if hops >= Passage::MOST_HOPS {
            return Err(Refusal::HandedOnTooOften);
        }
        Ok(hops + 1)
    }

    /// Whether what an agent hands on may wait where it is to. What is kept for somebody takes no room of a queue.
    pub(super) fn may_keep_for(&mut self, agent: AgentId, next: &WorkItem) -> Result<(), Refusal> {
        if !self.queues.contains_key(&next.queue) {
            return Err(Refusal::QueueUnknown);
        }
        match next.kept() {
            Some(kept) if kept.agent == agent => Err(Refusal::HasIt),
            Some(kept) if self.floor.seat(kept.agent).is_none() => Err(Refusal::AgentUnknown),
            Some(_) => Ok(()),
            None if self.has_room(next.queue, next.channel, &next.skills) => Ok(()),
            None => Err(Refusal::QueueFull),
        }
    }

    /// Whether work that is kept for somebody may be offered to them now.
    pub(super) fn may_offer_kept(&self, work: &WorkItem, kept: Kept) -> bool {
        let barred = self.is_barred(work, kept.agent) || work.offer_to(kept.agent).is_some();
        let seat = self.floor.seat(kept.agent);
        !barred && seat.is_some_and(|seat| seat.takes_work() && seat.has_room(work.channel))
    }

    /// Work waits for everybody in its queue from now on.
    pub(super) fn stop_keeping(&mut self, id: WorkItemId) {
        let kept = self.item(id).and_then(WorkItem::kept);
        let Some(kept) = kept else { return };
        self.timers.cancel(kept.until, Timer::KeepEnds(id));
        let now = self.floor.now();
        self.alter(now, id, |work| work.pass(|passage| passage.kept = None));
        self.touch_item(id);
    }

    /// Whom it was kept for said no, or did not answer: it waits for everybody. When it was we who took the offer back, or
    /// their stream broke, it still is theirs for its time.
    pub(super) fn keep_on(&mut self, id: WorkItemId, offer_end: OfferEnd) {
        if matches!(offer_end, OfferEnd::Rejected | OfferEnd::Expired) {
            self.stop_keeping(id);
        }
    }

    pub(super) fn end_keeping(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        self.stop_keeping(id);
        // While it is out to them it may go to more.
        self.note_unfilled(id);
        self.match_item(now, id, out);
    }

    pub(super) fn put_on_hold(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.may_hold(id, agent)?;
        if self
            .item(id)
            .is_some_and(|work| work.held_since().is_some())
        {
            return Err(Refusal::OnHold);
        }
        self.change_hold(id, agent, |passage| passage.held_since = Some(now), out);
        self.command(id, CommandKind::Hold, About::agent(agent), out);
        Ok(())
    }

    pub(super) fn take_from_hold(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.may_hold(id, agent)?;
        if self.item(id).is_none_or(|work| work.held_since().is_none()) {
            return Err(Refusal::NotOnHold);
        }
        self.change_hold(id, agent, |passage| passage.resume(now), out);
        self.command(id, CommandKind::Resume, About::agent(agent), out);
        Ok(())
    }

    /// The contact is that of the one who asks: who is asked puts nobody on hold.
    fn may_hold(&self, id: WorkItemId, agent: AgentId) -> Result<(), Refusal> {
        self.in_hands(id, agent)?;
        match self.item(id).and_then(WorkItem::consult_of) {
            Some(_) => Err(Refusal::IsConsult),
            None => Ok(()),
        }
    }

    fn change_hold(
        &mut self,
        id: WorkItemId,
        agent: AgentId,
        change: impl FnOnce(&mut Passage),
        out: &mut Vec<Effect>,
    ) {
        self.link(id, change);
        out.push(Effect::WorkChanged { item: id, agent });
    }
}

/// What work asks for that is kept for somebody: nothing, since whoever keeps it for them knows whom they mean.
pub(super) fn asked_of_kept() -> Grades {
    Grades::default()
}
