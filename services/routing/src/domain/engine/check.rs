//! What must always hold, looked at the slow and obvious way.

use std::collections::{BTreeSet, HashMap};

use rapport_foundation::id::{AgentId, OfferId, WorkItemId};
use rapport_foundation::time::Micros;

use super::seat::Seat;
use super::{Engine, Held, Timer};
use crate::domain::{Channel, PerChannel, Presence, WorkItem, WorkState};

/// A broken promise of the engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An open work item is neither in its queue, nor offered, nor in anybody's hands.
    #[error("work item {0} is forgotten")]
    Forgotten(WorkItemId),
    /// A work item waits although somebody free may take it.
    #[error("work item {0} waits although agent {1} is free")]
    NotConserving(WorkItemId, AgentId),
    /// Two agents hold the same work item, or one holds what is not theirs.
    #[error("work item {0} is in the hands of agent {1}, which its state does not say")]
    WrongHands(WorkItemId, AgentId),
    /// An agent has more than their capacity of a channel.
    #[error("agent {0} is over capacity")]
    OverCapacity(AgentId),
    /// More offers are out for a work item than its queue makes at once, or one agent has two.
    #[error("work item {0} is offered to more than its queue says")]
    OfferedToMany(WorkItemId),
    /// An offer is out to somebody who takes no work.
    #[error("offer {0} is out to agent {1}, who takes no work")]
    OfferedToAbsent(OfferId, AgentId),
    /// A state that should end by time has no timer.
    #[error("{0} would never end")]
    Stuck(String),
    /// A contact was handed on and is still in the hands of who did, or what goes on with it is not what they named.
    #[error("work item {0} was handed on and is still somebody's")]
    HandedOnTwice(WorkItemId),
    /// Somebody is asked about a contact by nobody, or somebody asks who is not asked.
    #[error("who is asked by or for work item {0} does not know of it")]
    AskedByNobody(WorkItemId),
    /// An index disagrees with what it indexes.
    #[error("index {0} disagrees")]
    Index(&'static str),
}

impl Engine {
    /// Looks at everything: no item offered to two, no agent over capacity, no open item
    /// forgotten, no agent stuck, nobody idle while work for them waits.
    ///
    /// # Errors
    /// Every fault found.
    pub fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        for held in self.items.values() {
            self.check_item(held, &mut faults);
        }
        self.check_agents(&mut faults);
        let waiting = self
            .items
            .values()
            .filter(|h| h.work.state == WorkState::Waiting)
            .count();
        if waiting != self.waiting.len() {
            faults.push(Fault::Index("waiting"));
        }
        let offers = self.items.values().map(|held| held.work.offers().count());
        if self.offers.len() != offers.sum::<usize>() {
            faults.push(Fault::Index("offers"));
        }
        if self.by_ticket.len() != self.items.len() {
            faults.push(Fault::Index("by ticket"));
        }
        if !self.unfilled.is_empty() {
            faults.push(Fault::Index("unfilled"));
        }
        if !self.records.add_up() {
            faults.push(Fault::Index("paces"));
        }
        if self.timers.len() != self.timers_needed() {
            faults.push(Fault::Index("timers"));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn check_item(&self, held: &Held, faults: &mut Vec<Fault>) {
        let work = &held.work;
        let listed = self.waiting.contains(held.spot(), held.rank());
        if listed != (work.state == WorkState::Waiting) {
            faults.push(Fault::Forgotten(work.id));
        }
        let holds = |agent: AgentId| {
            let seat = self.floor.seat(agent);
            seat.is_some_and(|seat| seat.holds.contains(&work.id))
        };
        if !work.agents().all(holds) {
            faults.push(Fault::Forgotten(work.id));
        }
        self.check_offers(work, faults);
        match &work.state {
            WorkState::Waiting => {
                let free = self.floor.seats().find(|seat| {
                    let in_line = match work.kept() {
                        _ if work.paused_until().is_some() => false,
                        Some(kept) => seat.profile.id == kept.agent,
                        None => seat.profile.queues.contains(&work.queue),
                    };
                    in_line
                        && seat.takes_work()
                        && seat.suits(work.channel, &held.asked)
                        && !self.is_barred(work, seat.profile.id)
                });
                if let Some(seat) = free {
                    faults.push(Fault::NotConserving(work.id, seat.profile.id));
                }
            }
            WorkState::Offered(_) => {}
            WorkState::WrappingUp { until, .. } => {
                if !self.timers.holds(*until, Timer::WrapUpEnds(work.id)) {
                    faults.push(Fault::Stuck(format!("wrap-up of {}", work.id)));
                }
            }
            WorkState::Accepted { .. } => self.check_parked(work, faults),
            _ => faults.push(Fault::Index("items")),
        }
        self.check_route(work, faults);
        self.check_passage(work, faults);
    }

    fn check_parked(&self, work: &WorkItem, faults: &mut Vec<Fault>) {
        if let Some(parked) = work.parked()
            && !self.timers.holds(parked.until, Timer::ParkEnds(work.id))
        {
            faults.push(Fault::Stuck(format!("what is parked: {}", work.id)));
        }
    }

    fn check_passage(&self, work: &WorkItem, faults: &mut Vec<Fault>) {
        let waits = matches!(work.state, WorkState::Waiting | WorkState::Offered(_));
        let in_hand = matches!(work.state, WorkState::Accepted { .. });
        if let Some(kept) = work.kept()
            && (!waits || !self.timers.holds(kept.until, Timer::KeepEnds(work.id)))
        {
            faults.push(Fault::Stuck(format!("what is kept: {}", work.id)));
        }
        if let Some(until) = work.paused_until()
            && (!waits || !self.timers.holds(until, Timer::PauseEnds(work.id)))
        {
            faults.push(Fault::Stuck(format!("the pause of {}", work.id)));
        }
        if work.held_since().is_some() && !in_hand {
            faults.push(Fault::Index("contacts on hold"));
        }
        if work.next().is_some() && !matches!(work.state, WorkState::WrappingUp { .. }) {
            faults.push(Fault::HandedOnTwice(work.id));
        }
        if let Some(asked) = work.consult() {
            let asked = self.item(asked);
            let linked = asked.is_some_and(|c| c.consult_of() == Some(work.id));
            let wraps = |c: &WorkItem| matches!(c.state, WorkState::WrappingUp { .. });
            let on_line = |c: &WorkItem| matches!(c.state, WorkState::Accepted { .. });
            let together = !self.in_conference(work.id) || asked.is_some_and(on_line);
            if !in_hand || !linked || asked.is_some_and(wraps) || !together {
                faults.push(Fault::AskedByNobody(work.id));
            }
        }
        if self.is_past_consult(work) && (waits || (in_hand && !work.settled)) {
            faults.push(Fault::AskedByNobody(work.id));
        }
        let before = work.passage.as_deref().and_then(|passage| passage.before);
        let giver = before.and_then(|before| self.item(before));
        if giver.is_some_and(|giver| giver.next() != Some(work.id)) {
            faults.push(Fault::HandedOnTwice(work.id));
        }
    }

    /// To one agent at a time, or to as many as the queue says, each once; and each ends by time.
    fn check_offers(&self, work: &WorkItem, faults: &mut Vec<Fault>) {
        let most = self.discipline(work.queue).most_offers();
        let agents: BTreeSet<AgentId> = work.offers().map(|offer| offer.agent).collect();
        let count = work.offers().count();
        if count > most || agents.len() < count || (count > 0) != work.offer().is_some() {
            faults.push(Fault::OfferedToMany(work.id));
        }
        for offer in work.offers() {
            if self.offers.get(&offer.id) != Some(&work.id) || offer.item != work.id {
                faults.push(Fault::Index("offers"));
            }
            let lapses = Timer::OfferLapses(work.id, offer.agent);
            if !self.timers.holds(offer.expires_at, lapses) {
                faults.push(Fault::Stuck(format!("offer {}", offer.id)));
            }
            let standing = self.standing(offer.agent);
            if standing.is_none_or(|s| s.presence == Presence::Absent) {
                faults.push(Fault::OfferedToAbsent(offer.id, offer.agent));
            }
        }
    }

    fn check_route(&self, work: &WorkItem, faults: &mut Vec<Fault>) {
        let Some(route) = &work.route else { return };
        let waits = matches!(work.state, WorkState::Waiting | WorkState::Offered(_));
        match route.until {
            Some(until) if !waits || !self.timers.holds(until, Timer::TargetEnds(work.id)) => {
                faults.push(Fault::Stuck(format!("the way of {}", work.id)));
            }
            _ => {}
        }
        if route.leg().map(|leg| leg.queue) != Some(work.queue) || route.skills() != work.skills {
            faults.push(Fault::Index("targets"));
        }
    }

    fn check_agents(&self, faults: &mut Vec<Fault>) {
        let mut owner: HashMap<WorkItemId, AgentId> = HashMap::new();
        for seat in self.floor.seats() {
            let agent = seat.profile.id;
            let mut used = PerChannel::all(0_u16);
            // But for what somebody gave them by hand although their hands were full.
            let mut usual = PerChannel::all(0_u16);
            for id in &seat.holds {
                let held = self.items.get(id);
                let beyond = held.is_some_and(|h| h.work.figures.over_capacity);
                let offered = held.is_some_and(|h| h.work.offer().is_some());
                if (owner.insert(*id, agent).is_some() && !offered)
                    || !held.is_some_and(|h| h.work.is_with(agent))
                {
                    faults.push(Fault::WrongHands(*id, agent));
                }
                if let Some(held) = held.filter(|held| held.work.parked().is_none()) {
                    *used.at(held.work.channel) += 1;
                    *usual.at(held.work.channel) += u16::from(!beyond);
                }
            }
            let parked = self.held_by(agent).filter(|work| work.parked().is_some());
            if parked.count() != seat.parked.len() {
                faults.push(Fault::Index("parked work"));
            }
            let accepted = self.held_by(agent).filter(|work| work.offer().is_none());
            let accepted = accepted.filter(|work| work.parked().is_none());
            if accepted.count() != usize::from(seat.working) {
                faults.push(Fault::Index("work accepted"));
            }
            self.check_shift(seat, faults);
            let load = seat.load(self.floor.now());
            if load.busy > load.staffed || load.until < seat.standing.load.until {
                faults.push(Fault::Index("time of agents"));
            }
            if used != *seat.in_hand() {
                faults.push(Fault::Index("capacity in use"));
            }
            // What was accepted before a limit sank may exceed it; nothing taken since may, but by hand.
            let taken_since = |c: Channel| {
                let usual = self.held_by(agent).filter(|work| {
                    work.channel == c && !work.figures.over_capacity && work.parked().is_none()
                });
                let newest = usual.map(|work| taken_at(work, agent)).max();
                newest > Some(seat.profile.capacity.since)
            };
            let limits = seat.limits();
            let too_many = |c: &Channel| usual.get(*c) > limits.each.get(*c) && taken_since(*c);
            // What was taken last had room beside the others; work that may come between others, whatever it was.
            let last = |c: &Channel| usual.get(*c) > 0 && limits.holds(&usual, *c);
            let any_since = Channel::ALL.iter().any(|c| taken_since(*c));
            let none_last = any_since && !Channel::ALL.iter().any(last);
            if Channel::ALL.iter().any(too_many) || none_last {
                faults.push(Fault::OverCapacity(agent));
            }
            let there = seat.standing.presence == Presence::Present;
            if there == seat.streams.is_empty() {
                faults.push(Fault::Index("presence"));
            }
            if let Presence::Leaving { until } = seat.standing.presence
                && !self.timers.holds(until, Timer::GraceEnds(agent))
            {
                faults.push(Fault::Stuck(format!("absence of {agent}")));
            }
            if seat.listed != (seat.takes_work() && seat.has_any_room()).then(|| seat.idle_rank()) {
                faults.push(Fault::Index("free agents"));
            }
        }
    }

    /// Who has a schedule is on shift or is not, and that will be looked at again.
    fn check_shift(&self, seat: &Seat, faults: &mut Vec<Fault>) {
        let (agent, shift) = (seat.profile.id, seat.standing.shift);
        let hours = seat.profile.shifts.and_then(|id| self.calendars.get(&id));
        if hours.is_some() != shift.is_some() {
            faults.push(Fault::Index("shifts"));
        }
        let Some((shift, hours)) = shift.zip(hours) else {
            return;
        };
        if !self.timers.holds(shift.until, Timer::ShiftTurns(agent)) {
            faults.push(Fault::Stuck(format!("the shift of {agent}")));
        }
        let now = self.floor.now();
        let due = shift.until <= now;
        if (!due && hours.at(now).0 != shift.on) || (shift.on && shift.by_hand) {
            faults.push(Fault::Index("shifts"));
        }
    }

    fn timers_needed(&self) -> usize {
        let of_items = self.items.values().map(|held| {
            let wraps_up = matches!(held.work.state, WorkState::WrappingUp { .. });
            let waits = held.work.route.as_ref().and_then(|route| route.until);
            usize::from(wraps_up)
                + held.work.offers().count()
                + usize::from(waits.is_some())
                + usize::from(held.eases_at.is_some())
                + usize::from(held.work.kept().is_some())
                + usize::from(held.work.paused_until().is_some())
                + usize::from(held.work.parked().is_some())
                + held.work.declines.len()
        });
        let leaving = self
            .floor
            .seats()
            .filter(|s| matches!(s.standing.presence, Presence::Leaving { .. }));
        let ending = self.floor.seats().map(|seat| seat.profile.ends().len());
        let turning = self.floor.seats().filter(|s| s.standing.shift.is_some());
        of_items.sum::<usize>() + leaving.count() + ending.sum::<usize>() + turning.count()
    }
}

/// When an agent got it into their hands.
fn taken_at(work: &WorkItem, agent: AgentId) -> Micros {
    match &work.state {
        WorkState::Offered(offer) => work.offer_to(agent).unwrap_or(offer).made_at,
        WorkState::Accepted { at, .. } => *at,
        WorkState::WrappingUp { accepted_at, .. } => *accepted_at,
        _ => work.queued_at,
    }
}
