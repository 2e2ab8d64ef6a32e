//! What is counted of work, noted the moment it happens.

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::input::Profile;
use super::seat::Seat;
use crate::domain::{
    AgentState, Answered, Channel, PerChannel, Promise, Skills, Standing, WorkItem, WorkState,
};

/// An agent and what they are at.
#[derive(Clone, Copy, Debug)]
pub struct AtWork<'a> {
    /// Their setting.
    pub profile: &'a Profile,
    /// How they stand.
    pub standing: &'a Standing,
    /// What they are at.
    pub state: AgentState,
    /// Since when.
    pub since: Micros,
    /// How many work items of each channel they have in hand: offered, accepted, in wrap-up.
    pub in_hand: &'a PerChannel<u16>,
    /// How many of each they take.
    pub limit: &'a PerChannel<u16>,
    /// How many work items of theirs are parked.
    pub parked: usize,
}

impl AtWork<'_> {
    /// Whether new work may be offered to them, their capacity apart.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.standing.takes_work()
    }
}

impl Engine {
    /// Notes how long a work item is said to wait. It decides nothing; whoever says it stores it.
    pub fn promise(&mut self, item: WorkItemId, promise: Promise) {
        if let Some(held) = self.items.get_mut(&item) {
            held.work.figures.promise = Some(promise);
        }
    }

    /// Whether somebody would be asked at once for such work of a channel, or of any.
    pub fn is_free(&mut self, queue: QueueId, channel: Option<Channel>, skills: &Skills) -> bool {
        let asked = self.book.grades(skills);
        let free = |channel| {
            let first = self.floor.first(queue, channel, &asked, |_| false);
            first.is_some()
        };
        match channel {
            Some(channel) => free(channel),
            None => Channel::ALL.iter().any(|channel| free(*channel)),
        }
    }

    /// Everybody, and what they are at.
    pub fn staff(&self) -> impl Iterator<Item = AtWork<'_>> {
        self.floor.seats().map(|seat| self.look_at(seat))
    }

    /// One agent, and what they are at.
    #[must_use]
    pub fn at_work(&self, agent: AgentId) -> Option<AtWork<'_>> {
        self.floor.seat(agent).map(|seat| self.look_at(seat))
    }

    fn look_at<'a>(&'a self, seat: &'a Seat) -> AtWork<'a> {
        let (mut state, mut since) = (AgentState::Idle, seat.standing.idle_since);
        let held = seat.holds.iter().filter_map(|id| self.item(*id));
        let agent = seat.profile.id;
        for (theirs, at) in held.filter_map(|work| at_it(work, agent)) {
            if theirs > state || (theirs == state && at < since) {
                (state, since) = (theirs, at);
            }
        }
        AtWork {
            profile: &seat.profile,
            standing: &seat.standing,
            state,
            since,
            in_hand: seat.in_hand(),
            limit: &seat.limits().each,
            parked: seat.parked.len(),
        }
    }

    /// An agent took it: the first time counts.
    pub(super) fn note_answer(&mut self, now: Micros, id: WorkItemId) {
        let Some(held) = self.items.get_mut(&id) else {
            return;
        };
        let target = self.queues.get(&held.work.queue).map(|q| q.answer_target);
        let answered = Answered {
            at: now,
            queue: held.work.queue,
            in_time: target.is_none_or(|target| held.work.waited(now) <= target),
        };
        held.work.figures.answered.get_or_insert(answered);
    }

    /// The customer left before anybody took it.
    pub(super) fn note_left(&mut self, now: Micros, id: WorkItemId) {
        let Some(held) = self.items.get_mut(&id) else {
            return;
        };
        let short = self.queues.get(&held.work.queue).map(|q| q.short_abandon);
        let short = short.filter(|short| !short.is_zero());
        held.work.figures.left_early = short.is_some_and(|short| held.work.waited(now) <= short);
    }
}

/// What an agent is at who has this work in hand, and since when.
fn at_it(work: &WorkItem, agent: AgentId) -> Option<(AgentState, Micros)> {
    match &work.state {
        WorkState::Offered(_) => {
            let offer = work.offer_to(agent)?;
            Some((AgentState::Offered, offer.made_at))
        }
        WorkState::Accepted { .. } if work.parked().is_some() => None,
        WorkState::Accepted { at, .. } => Some((AgentState::Busy, *at)),
        WorkState::WrappingUp { at, .. } => Some((AgentState::WrapUp, *at)),
        _ => None,
    }
}
