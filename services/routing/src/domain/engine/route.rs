//! Work that goes on to its next target when nobody accepts it.

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::input::{Effect, Refusal};
use super::lifecycle::Change;
use super::{Engine, Timer};
use crate::domain::policy::{Leg, least};
use crate::domain::{Channel, Presence, Priority, Skills, Status};

impl Engine {
    /// The target that holds first, of those from `from` on: the first that is not to be passed over, or the last.
    #[must_use]
    pub fn first_leg(
        &self,
        legs: &[Leg],
        own: &Skills,
        channel: Option<Channel>,
        from: usize,
    ) -> usize {
        let last = legs.len().saturating_sub(1);
        // Who could take it only after some wait could take it all the same.
        let asked = |leg: &Leg| least(&leg.relaxations, &own.clone().and(&leg.skills));
        let holds =
            |leg: &Leg| !leg.skip_unstaffed || self.is_staffed(leg.queue, channel, &asked(leg));
        let mut rest = legs.iter().enumerate().skip(from);
        rest.find(|(_, leg)| holds(leg))
            .map_or(last, |(place, _)| place)
    }

    /// Whether somebody is at work in the queue who may take such work, now or once they have time.
    #[must_use]
    pub fn is_staffed(&self, queue: QueueId, channel: Option<Channel>, skills: &Skills) -> bool {
        self.floor.seats().any(|seat| {
            matches!(seat.standing.status, Status::Available | Status::Away)
                && seat.standing.presence == Presence::Present
                && seat.standing.is_scheduled()
                && seat.may_serve(queue, channel, skills)
        })
    }

    /// Whether an agent takes such work of a queue, now or once they have room.
    #[must_use]
    pub fn serves(
        &self,
        agent: AgentId,
        queue: QueueId,
        channel: Channel,
        skills: &Skills,
    ) -> bool {
        let seat = self.floor.seat(agent);
        seat.is_some_and(|s| s.takes_work() && s.may_serve(queue, Some(channel), skills))
    }

    /// It has waited at its target: the next one holds.
    pub(super) fn leave_leg(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        let Some(work) = self.item(id) else { return };
        let (channel, before) = (work.channel, work.priority);
        let Some(mut route) = work.route.clone() else {
            return;
        };
        let next = route.place() + 1;
        let next = self.first_leg(&route.legs, &route.own, Some(channel), next);
        route.enter(next, now);
        if let Some(change) = Change::along(*route, before, true)
            && self.change_item(now, id, change, out).is_err()
        {
            // There is no room: it stays where it is.
            self.stop_waiting(id);
            self.touch_item(id);
        }
    }

    /// What the work itself asks for is different; it stays on its way.
    pub(super) fn change_routed(
        &mut self,
        now: Micros,
        id: WorkItemId,
        own: Skills,
        priority: Priority,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        let Some(mut route) = work.route.clone() else {
            return Ok(());
        };
        route.own = own;
        match Change::along(*route, priority, false) {
            Some(change) => self.change_item(now, id, change, out),
            None => Ok(()),
        }
    }

    /// Nobody waits for it at its target any more.
    pub(super) fn stop_waiting(&mut self, id: WorkItemId) {
        let route = self.items.get_mut(&id).and_then(|h| h.work.route.as_mut());
        if let Some(until) = route.and_then(|route| route.until.take()) {
            self.timers.cancel(until, Timer::TargetEnds(id));
        }
    }

    /// It waits at its target from now on.
    pub(super) fn wait_again(&mut self, now: Micros, id: WorkItemId) {
        self.stop_waiting(id);
        let route = self.items.get_mut(&id).and_then(|h| h.work.route.as_mut());
        if let Some(route) = route {
            route.wait(now);
        }
        self.time_leg(id);
    }

    /// Sets the timer that the target of the work asks for.
    pub(super) fn time_leg(&mut self, id: WorkItemId) {
        let route = self.items.get(&id).and_then(|h| h.work.route.as_ref());
        if let Some(until) = route.and_then(|route| route.until) {
            self.timers.set(until, Timer::TargetEnds(id));
        }
    }
}
