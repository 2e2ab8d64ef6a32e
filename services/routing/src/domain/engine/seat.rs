use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::input::{Profile, StreamId};
use super::skills::Grades;
use super::waiting::Line;
use crate::domain::{Channel, Duty, Load, PerChannel, Standing};

/// Where a free agent stands among the free: less in hand first, then the longest idle, then
/// by id.
pub(super) type IdleRank = (usize, Micros, AgentId);

/// An agent as the engine sees them.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) profile: Profile,
    pub(super) standing: Standing,
    /// What they can do now.
    pub(super) held: Grades,
    pub(super) limit: PerChannel<u16>,
    pub(super) used: PerChannel<u16>,
    pub(super) streams: BTreeSet<StreamId>,
    /// Everything in hand: offered, accepted, in wrap-up.
    pub(super) holds: BTreeSet<WorkItemId>,
    /// How many of them they accepted.
    pub(super) working: u16,
    /// Under which rank the seat is listed as free in each of its queues.
    pub(super) listed: Option<IdleRank>,
}

impl Seat {
    pub(super) fn new(profile: Profile, held: Grades, standing: Standing) -> Self {
        let limit = profile.capacity.by_channel();
        Self {
            profile,
            standing,
            held,
            limit,
            used: PerChannel::all(0),
            streams: BTreeSet::new(),
            holds: BTreeSet::new(),
            working: 0,
            listed: None,
        }
    }

    /// Whether new work may be offered to them at all.
    pub(super) fn takes_work(&self) -> bool {
        self.standing.takes_work()
    }

    /// What they are at, as far as their time is counted.
    pub(super) fn duty(&self) -> Duty {
        if self.working > 0 {
            Duty::Busy
        } else if self.takes_work() {
            Duty::Idle
        } else {
            Duty::Off
        }
    }

    /// How much of their time work took, up to now.
    pub(super) fn load(&self, now: Micros) -> Load {
        let mut load = self.standing.load;
        load.spend(self.duty(), now);
        load
    }

    pub(super) const fn has_room(&self, channel: Channel) -> bool {
        self.used.get(channel) < self.limit.get(channel)
    }

    pub(super) fn has_any_room(&self) -> bool {
        Channel::ALL.iter().any(|channel| self.has_room(*channel))
    }

    pub(super) fn suits(&self, channel: Channel, asked: &Grades) -> bool {
        self.has_room(channel) && self.held.cover(asked)
    }

    pub(super) fn take(&mut self, item: WorkItemId, channel: Channel) {
        if self.holds.insert(item) {
            *self.used.at(channel) += 1;
        }
    }

    pub(super) fn give_back(&mut self, item: WorkItemId, channel: Channel) {
        if self.holds.remove(&item) {
            *self.used.at(channel) -= 1;
        }
    }

    /// Whatever waits for them: in their queues, and what is kept for them.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        let queues = self.profile.queues.iter().copied().map(Line::Queue);
        queues.chain(std::iter::once(Line::Agent(self.profile.id)))
    }

    pub(super) fn idle_rank(&self) -> IdleRank {
        (self.holds.len(), self.standing.idle_since, self.profile.id)
    }
}
