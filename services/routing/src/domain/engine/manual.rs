//! What somebody who directs others decides about work by hand.
//!
//! All of it keeps the engine's promises: work is before one agent at a time, nothing is forgotten, and whoever is
//! free afterwards gets what waits. Only capacity and skills give way, each only where it is said so, and the work
//! tells that its agent has it beyond their capacity.

use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::commands::About;
use super::input::{Effect, Refusal};
use super::lifecycle::Change;
use crate::domain::contact_command::CommandKind;
use crate::domain::{AgentKind, OfferEnd, Presence, Priority, Skills, Status, WorkItem, WorkState};

/// To whom work is to go, and what does not keep it from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handing {
    /// To whom.
    pub agent: AgentId,
    /// They have it at once, rather than being asked.
    pub forced: bool,
    /// Although they have as much of the channel as they take.
    pub over_capacity: bool,
    /// Although they do not hold every skill that it asks for.
    pub without_skills: bool,
}

impl Engine {
    /// Puts work that nobody has accepted before one agent, or into their hands.
    pub(super) fn assign(
        &mut self,
        now: Micros,
        id: WorkItemId,
        to: Handing,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if !matches!(work.state, WorkState::Waiting | WorkState::Offered(_)) {
            return Err(Refusal::WorkAccepted);
        }
        self.may_hand(work, to)?;
        self.hand(now, id, to, out)
    }

    /// Moves work to another queue, also out of an agent's hands. Its age stays.
    pub(super) fn move_work(
        &mut self,
        now: Micros,
        id: WorkItemId,
        (queue, skills, priority): (QueueId, Skills, Priority),
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        let channel = work.channel;
        if !self.queues.contains_key(&queue) {
            return Err(Refusal::QueueUnknown);
        }
        if matches!(work.state, WorkState::Waiting | WorkState::Offered(_)) {
            let change = Change::by_hand(queue, skills, priority);
            return self.change_item(now, id, change, out);
        }
        self.may_take_out(id)?;
        if !self.has_room(queue, channel, &skills) {
            return Err(Refusal::QueueFull);
        }
        let Some(agent) = self.take_out(now, id, Some(queue), out) else {
            return Ok(());
        };
        self.pass_over(now, id, agent);
        self.put_into(now, id, (queue, skills, priority));
        self.match_agent(now, agent, out);
        self.match_item(now, id, out);
        Ok(())
    }

    /// A virtual agent hands work that it accepted over to a queue.
    pub(super) fn hand_over(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        to: (QueueId, Skills, Priority),
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if work.offer().is_some() || work.agent() != Some(agent) {
            let theirs = work.is_with(agent) || work.agent().is_none();
            return Err(if theirs {
                Refusal::WorkNotAccepted
            } else {
                Refusal::NotTheirs
            });
        }
        if !self.is_virtual(agent) {
            return Err(Refusal::AgentNotVirtual);
        }
        self.move_work(now, id, to, out)?;
        if let Some(held) = self.items.get_mut(&id) {
            held.work.handed_over = true;
            // What was foretold was foretold of the queue of bots.
            held.work.figures.promise = None;
        }
        Ok(())
    }

    /// Whether an agent is a bot.
    #[must_use]
    pub fn is_virtual(&self, agent: AgentId) -> bool {
        let seat = self.floor.seat(agent);
        seat.is_some_and(|seat| seat.profile.kind == AgentKind::Virtual)
    }

    /// Takes accepted work from its agent, back to its queue or to somebody else.
    pub(super) fn release(
        &mut self,
        now: Micros,
        id: WorkItemId,
        to: Option<Handing>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.may_take_out(id)?;
        if let Some(to) = to {
            let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
            if work.agent() == Some(to.agent) {
                return Err(Refusal::HasIt);
            }
            self.may_hand(work, to)?;
        }
        let Some(agent) = self.take_out(now, id, None, out) else {
            return Ok(());
        };
        self.pass_over(now, id, agent);
        let handed = match to {
            Some(to) => self.hand(now, id, to, out),
            None => Ok(()),
        };
        self.match_agent(now, agent, out);
        self.match_item(now, id, out);
        handed
    }

    /// Takes accepted work out of its agent's hands, to where it stood in its queue, or on its way to another. Nobody is
    /// matched yet.
    pub(super) fn take_out(
        &mut self,
        now: Micros,
        id: WorkItemId,
        to: Option<QueueId>,
        out: &mut Vec<Effect>,
    ) -> Option<AgentId> {
        let work = self.item(id)?;
        let queue = to.unwrap_or(work.queue);
        let WorkState::Accepted { agent, .. } = work.state else {
            return None;
        };
        if work.consult_of().is_some() {
            self.command(id, CommandKind::HangUp, About::agent(agent), out);
        } else {
            self.end_consult(now, id, out);
            let about = About::queue(queue, id, agent);
            self.command(id, CommandKind::Transfer, about, out);
        }
        self.part(now, id, out)
    }

    /// The same, when the contact waits still.
    pub(super) fn part(
        &mut self,
        now: Micros,
        id: WorkItemId,
        out: &mut Vec<Effect>,
    ) -> Option<AgentId> {
        let work = self.item(id)?;
        let WorkState::Accepted { agent, at } = work.state else {
            return None;
        };
        let channel = work.channel;
        self.take_up(now, id, out);
        self.end_consult(now, id, out);
        self.leave_conference(id);
        self.alter(now, id, |work| {
            work.state = WorkState::Waiting;
            work.figures.handled_before += work.figures.at_it(at, now);
            work.figures.parked_before = Duration::ZERO;
            work.figures.over_capacity = false;
            if work.held_since().is_some() {
                work.pass(|passage| passage.resume(now));
            }
        });
        self.floor.change(agent, |seat| {
            seat.give_back(id, channel);
            seat.working = seat.working.saturating_sub(1);
        });
        // No row of the work tells any more what they were at.
        self.touch_agent(agent);
        self.wait_again(now, id);
        self.touch_item(id);
        out.push(Effect::Released { item: id, agent });
        out.push(Effect::Queued { item: id });
        Some(agent)
    }

    /// Puts work that waits into the hands of who had its contact, as far as they may be given anything.
    pub(super) fn hand_back(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) {
        let to = Handing {
            agent,
            forced: true,
            over_capacity: true,
            without_skills: true,
        };
        let may = self
            .item(id)
            .is_some_and(|work| self.may_hand(work, to).is_ok());
        // Who may be given it is.
        let _ = may.then(|| self.hand(now, id, to, out));
    }

    fn may_take_out(&self, id: WorkItemId) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        match work.state {
            WorkState::Accepted { .. } if work.settled => Err(Refusal::ContactOver),
            WorkState::Accepted { .. } => Ok(()),
            WorkState::WrappingUp { .. } => Err(Refusal::ContactOver),
            _ => Err(Refusal::WorkNotAccepted),
        }
    }

    /// Whether work may go to somebody; the first thing that keeps it from them.
    fn may_hand(&self, work: &WorkItem, to: Handing) -> Result<(), Refusal> {
        let seat = self.floor.seat(to.agent).ok_or(Refusal::AgentUnknown)?;
        if seat.standing.presence != Presence::Present {
            return Err(Refusal::AgentNotPresent);
        }
        if self.asker(work) == Some(to.agent) {
            return Err(Refusal::HasIt);
        }
        let status = seat.standing.status;
        let may = status == Status::Available || (to.forced && status != Status::Offline);
        if !may {
            return Err(Refusal::AgentNotAvailable);
        }
        let asked = self.items.get(&work.id).map(|held| &held.asked);
        let covers = match work.kept() {
            // It asks for nothing of whom it is kept for.
            Some(_) => seat.profile.skills.cover(&work.skills),
            None => asked.is_none_or(|asked| seat.held.cover(asked)),
        };
        if !to.without_skills && !covers {
            return Err(Refusal::SkillsMissing);
        }
        let has_it = work.is_with(to.agent);
        if !to.over_capacity && !has_it && !seat.has_room(work.channel) {
            return Err(Refusal::NoCapacity);
        }
        Ok(())
    }

    /// Puts work that waits, or is offered to somebody, before the one it goes to.
    fn hand(
        &mut self,
        now: Micros,
        id: WorkItemId,
        to: Handing,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let theirs_alone = |work: &WorkItem| work.agents().all(|agent| agent == to.agent);
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if work.state == WorkState::Waiting || !theirs_alone(work) {
            let freed = self.end_offers(id, OfferEnd::Withdrawn, out);
            self.stop_keeping(id);
            self.stop_pausing(id);
            let seat = self.floor.seat(to.agent).ok_or(Refusal::AgentUnknown)?;
            let channel = self.item(id).map(|work| work.channel);
            let beyond = channel.is_some_and(|channel| !seat.has_room(channel));
            if let Some(held) = self.items.get_mut(&id) {
                held.work.figures.over_capacity = beyond;
            }
            self.make_offer(now, id, to.agent, out);
            // It is before this one and nobody else.
            self.unfilled.remove(&id);
            for agent in freed {
                self.match_agent(now, agent, out);
            }
        }
        let offer = self
            .item(id)
            .and_then(WorkItem::offer)
            .map(|offer| offer.id);
        match offer.filter(|_| to.forced) {
            Some(offer) => self.accept(now, offer, to.agent, out),
            None => Ok(()),
        }
    }

    /// Waiting work stands in another queue, and is on no way to anywhere else.
    fn put_into(
        &mut self,
        now: Micros,
        id: WorkItemId,
        (queue, skills, priority): (QueueId, Skills, Priority),
    ) {
        self.stop_waiting(id);
        self.alter(now, id, |work| {
            work.queue = queue;
            work.skills = skills;
            work.priority = priority;
            work.route = None;
        });
        self.touch_item(id);
    }
}
