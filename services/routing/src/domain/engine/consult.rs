//! A second agent is asked about a contact while it is on hold, and it goes to them, or both stay.
//!
//! Who is asked has work of their own, which is offered as any other and takes their capacity. The work of the one who asks
//! names it, and each of the two may end first: whatever ends the one, the other has a way out. A contact is never left to
//! nobody who is on the line while somebody is.

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::commands::About;
use super::input::{Effect, Refusal};
use crate::domain::contact_command::CommandKind;
use crate::domain::{Code, OfferEnd, Passage, WorkItem, WorkState};

impl Engine {
    pub(super) fn start_consult(
        &mut self,
        now: Micros,
        (id, agent): (WorkItemId, AgentId),
        consult: WorkItem,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.has_contact(id, agent)?;
        self.asks_nobody(id)?;
        // They may have to go on with it.
        self.hops_to(id)?;
        self.may_keep_for(agent, &consult)?;
        let asked = consult.id;
        if self.items.contains_key(&asked) {
            return Err(Refusal::WorkKnown);
        }
        self.take_up(now, id, out);
        let before = self.passage(id).cloned().unwrap_or_default();
        let mut consult = WorkItem {
            state: WorkState::Waiting,
            // The contact is that of the one who asks.
            interaction: None,
            ..consult
        };
        consult.pass(|passage| {
            passage.consult_of = Some(id);
            passage.connector = before.connector;
            passage.commanded = before.commanded;
        });
        self.link(id, |passage| passage.consult = Some(asked));
        if before.held_since.is_none() {
            self.link(id, |passage| passage.held_since = Some(now));
            self.command(id, CommandKind::Hold, About::agent(agent), out);
        }
        self.insert(consult);
        self.touched.open.insert(asked);
        out.push(Effect::WorkChanged { item: id, agent });
        out.push(Effect::Queued { item: asked });
        self.match_item(now, asked, out);
        Ok(())
    }

    /// The one who has the contact asks nobody any more.
    pub(super) fn end_consult_of(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.in_hands(id, agent)?;
        if self.item(id).and_then(WorkItem::consult).is_none() {
            return Err(Refusal::NotConsulting);
        }
        self.end_consult(now, id, out);
        Ok(())
    }

    /// Whoever was asked about a contact is asked no more: what nobody accepted is withdrawn, who is at it completes it.
    pub(super) fn end_consult(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        let Some(asked) = self.item(id).and_then(WorkItem::consult) else {
            return;
        };
        let freed = match self.item(asked).map(|work| &work.state) {
            Some(WorkState::Accepted { agent, .. }) => {
                let second = *agent;
                self.command(asked, CommandKind::HangUp, About::agent(second), out);
                if let Some(held) = self.items.get_mut(&asked) {
                    held.work.settled = true;
                }
                self.touch_item(asked);
                out.push(Effect::WorkChanged {
                    item: asked,
                    agent: second,
                });
                Vec::new()
            }
            _ => {
                let freed = self.end_offers(asked, OfferEnd::Withdrawn, out);
                self.close_item(asked, WorkState::Withdrawn { at: now });
                out.push(Effect::Withdrawn { item: asked });
                freed
            }
        };
        self.part_from(id, out);
        for agent in freed {
            self.match_agent(now, agent, out);
        }
    }

    /// The contact goes to who was asked about it.
    pub(super) fn complete_transfer(
        &mut self,
        now: Micros,
        (id, agent): (WorkItemId, AgentId),
        (disposition, skip_wrap_up): (Option<Code>, bool),
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.has_contact(id, agent)?;
        let (asked, second) = self.who_is_asked(id)?;
        let hops = self.hops_to(id)?;
        self.give_to(id, agent, (asked, second), hops, out);
        self.complete(now, id, agent, disposition, skip_wrap_up, out)
    }

    /// What goes on with the contact is the work of who was asked.
    fn give_to(
        &mut self,
        id: WorkItemId,
        agent: AgentId,
        (asked, second): (WorkItemId, AgentId),
        hops: u16,
        out: &mut Vec<Effect>,
    ) {
        let about = About {
            next: Some(asked),
            ..About::second(second, agent)
        };
        self.command(id, CommandKind::Transfer, about, out);
        let contact = self.item(id).and_then(|work| work.interaction);
        let callback = self.item(id).and_then(WorkItem::callback);
        self.link(id, |passage| {
            passage.next = Some(asked);
            passage.consult = None;
            passage.conference = false;
        });
        if let Some(held) = self.items.get_mut(&asked) {
            held.work.interaction = contact;
        }
        self.link(asked, |passage| {
            passage.before = Some(id);
            passage.hops = hops;
            passage.consult_of = None;
            passage.was_asked = true;
            passage.callback = callback;
        });
        out.push(Effect::HandedOn {
            item: id,
            agent,
            next: asked,
        });
        out.push(Effect::WorkChanged {
            item: asked,
            agent: second,
        });
    }

    /// Whoever has the contact goes while somebody else is on the line with them: it is theirs now. Answers whether.
    pub(super) fn leave_to_second(
        &mut self,
        now: Micros,
        (id, agent): (WorkItemId, AgentId),
        out: &mut Vec<Effect>,
    ) -> bool {
        self.complete_transfer(now, (id, agent), (None, true), out)
            .is_ok()
    }

    pub(super) fn start_conference(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.has_contact(id, agent)?;
        let (asked, second) = self.who_is_asked(id)?;
        self.link(id, |passage| {
            passage.held_before = passage.held_since.is_some();
            passage.resume(now);
            passage.conference = true;
        });
        let about = About::second(second, agent);
        self.command(id, CommandKind::Conference, about, out);
        out.push(Effect::WorkChanged { item: id, agent });
        out.push(Effect::WorkChanged {
            item: asked,
            agent: second,
        });
        Ok(())
    }

    /// Who is asked is done with it, or is taken from it: the other goes on alone. Answers whether they were on the line.
    pub(super) fn leave_consult(&mut self, asked: WorkItemId, out: &mut Vec<Effect>) -> bool {
        let Some(of) = self.asked_by(asked) else {
            return false;
        };
        self.part_from(of, out);
        true
    }

    /// The work that is done beside another names nobody any more.
    fn part_from(&mut self, id: WorkItemId, out: &mut Vec<Effect>) {
        self.link(id, |passage| {
            passage.consult = None;
            passage.conference = false;
        });
        if let Some(agent) = self.item(id).and_then(WorkItem::agent) {
            out.push(Effect::WorkChanged { item: id, agent });
        }
    }

    /// Ends the conference of who is taken from it and may be asked again.
    pub(super) fn leave_conference(&mut self, asked: WorkItemId) {
        if let Some(of) = self.asked_by(asked) {
            self.link(of, |passage| passage.conference = false);
        }
    }

    /// The work whose agent asks by this, as long as they do.
    fn asked_by(&self, asked: WorkItemId) -> Option<WorkItemId> {
        let of = self.item(asked).and_then(WorkItem::consult_of);
        of.filter(|of| self.consults(*of) == Some(asked))
    }

    /// Whether both are together.
    pub(super) fn in_conference(&self, id: WorkItemId) -> bool {
        self.passage(id).is_some_and(|passage| passage.conference)
    }

    /// Whether somebody does not come into question: they said no lately, or it is they who ask.
    pub(super) fn is_barred(&self, work: &WorkItem, agent: AgentId) -> bool {
        work.declines.iter().any(|decline| decline.agent == agent)
            || self.asker(work) == Some(agent)
    }

    /// Who asks.
    pub(super) fn asker(&self, work: &WorkItem) -> Option<AgentId> {
        self.item(work.consult_of()?).and_then(WorkItem::agent)
    }

    /// Whether a consult is of the past: nobody asks any more.
    pub(super) fn is_past_consult(&self, work: &WorkItem) -> bool {
        let of = work.consult_of();
        of.is_some_and(|of| self.consults(of) != Some(work.id))
    }

    fn consults(&self, id: WorkItemId) -> Option<WorkItemId> {
        self.item(id).and_then(WorkItem::consult)
    }

    pub(super) fn asks_nobody(&self, id: WorkItemId) -> Result<(), Refusal> {
        match self.item(id) {
            Some(work) if work.consult_of().is_some() => Err(Refusal::IsConsult),
            Some(work) if work.consult().is_some() => Err(Refusal::Consulting),
            _ => Ok(()),
        }
    }

    fn who_is_asked(&self, id: WorkItemId) -> Result<(WorkItemId, AgentId), Refusal> {
        let asked = self.consults(id).ok_or(Refusal::NotConsulting)?;
        match self.item(asked).map(|work| &work.state) {
            Some(WorkState::Accepted { agent, .. }) => Ok((asked, *agent)),
            _ => Err(Refusal::ConsultNotAccepted),
        }
    }

    pub(super) fn passage(&self, id: WorkItemId) -> Option<&Passage> {
        self.item(id).and_then(|work| work.passage.as_deref())
    }

    /// Changes the passage of open work.
    pub(super) fn link(&mut self, id: WorkItemId, change: impl FnOnce(&mut Passage)) {
        if let Some(held) = self.items.get_mut(&id) {
            held.work.pass(change);
            self.touch_item(id);
        }
    }
}
