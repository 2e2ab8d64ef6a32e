//! Work that an agent puts aside because nothing is to be done now: it stays theirs, takes none of their capacity, and comes
//! back to them by their own word, when the customer writes, or by time.

use rapport_foundation::id::{AgentId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;

use super::input::{Effect, Refusal};
use super::{Engine, Timer};
use crate::domain::{Parked, Presence, WorkItem};

impl Engine {
    /// The agent waits for something. What is parked already is parked for another time.
    pub(super) fn park(
        &mut self,
        now: Micros,
        (id, agent): (WorkItemId, AgentId),
        until: Micros,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.in_hands(id, agent)?;
        self.asks_nobody(id)?;
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        let (channel, before) = (work.channel, work.parked());
        if channel.is_live() {
            return Err(Refusal::ContactLive);
        }
        let since = before.map_or(now, |parked| parked.since);
        if let Some(before) = before {
            self.timers.cancel(before.until, Timer::ParkEnds(id));
        }
        self.timers.set(until, Timer::ParkEnds(id));
        self.set_parked(id, Some(Parked { since, until }));
        self.floor.change(agent, |seat| seat.park(id, channel));
        self.touch_agent(agent);
        out.push(Effect::WorkChanged { item: id, agent });
        self.match_agent(now, agent, out);
        Ok(())
    }

    /// The agent is at it again, whatever they have in hand by now.
    pub(super) fn unpark(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.in_hands(id, agent)?;
        match self.item(id).and_then(WorkItem::parked) {
            Some(_) => self.take_up(now, id, out),
            None => return Err(Refusal::NotParked),
        }
        Ok(())
    }

    /// Parked work is in its agent's hands again. What is not parked stays as it is.
    pub(super) fn take_up(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        let Some(work) = self.item(id) else { return };
        let (channel, held) = (work.channel, work.parked().zip(work.agent()));
        let Some((parked, agent)) = held else { return };
        let beyond = |seat: &super::seat::Seat| !seat.has_room(channel);
        let beyond = self.floor.seat(agent).is_some_and(beyond);
        self.timers.cancel(parked.until, Timer::ParkEnds(id));
        if let Some(held) = self.items.get_mut(&id) {
            held.work.figures.parked_before += now - parked.since;
            held.work.figures.over_capacity = beyond;
        }
        self.set_parked(id, None);
        self.floor.change(agent, |seat| seat.take_up(id, channel));
        self.touch_agent(agent);
        out.push(Effect::WorkChanged { item: id, agent });
    }

    /// The customer of a ticket said something: what is parked of it is to be looked at.
    pub(super) fn customer_wrote(&mut self, now: Micros, ticket: TicketId, out: &mut Vec<Effect>) {
        let parked = self.items_of(ticket).filter(|work| work.parked().is_some());
        for id in parked.map(|work| work.id).collect::<Vec<_>>() {
            self.end_park(now, id, out);
        }
    }

    /// Parked work comes back to its agent, or to its queue when they are gone.
    pub(super) fn end_park(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        let agent = self.item(id).and_then(WorkItem::agent);
        self.take_up(now, id, out);
        let gone = |agent: &AgentId| {
            let standing = self.standing(*agent);
            standing.is_none_or(|standing| standing.presence == Presence::Absent)
        };
        if let Some(agent) = agent.filter(gone) {
            let ranks = self.rank_of(id).into_iter().collect();
            self.let_go(now, agent, ranks, out);
        }
    }

    fn set_parked(&mut self, id: WorkItemId, parked: Option<Parked>) {
        if let Some(held) = self.items.get_mut(&id) {
            held.work.figures.parked = parked;
            self.touch_item(id);
        }
    }
}
