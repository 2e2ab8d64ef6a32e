use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::input::{Profile, StreamId};
use super::skills::Grades;
use super::waiting::Line;
use crate::domain::{
    Capacity, Channel, Channels, Duty, Limits, Load, PerChannel, Skills, Standing,
};

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
    hands: Hands,
    pub(super) streams: BTreeSet<StreamId>,
    /// Everything that is theirs: offered, accepted, in wrap-up, parked.
    pub(super) holds: BTreeSet<WorkItemId>,
    /// What of it is parked: it takes none of their capacity.
    pub(super) parked: BTreeSet<WorkItemId>,
    /// How many of them they accepted and have not parked.
    pub(super) working: u16,
    /// Under which rank the seat is listed as free in each of its queues.
    pub(super) listed: Option<IdleRank>,
}

impl Seat {
    pub(super) fn new(profile: Profile, held: Grades, standing: Standing) -> Self {
        let hands = Hands::new(&profile.capacity);
        Self {
            profile,
            standing,
            held,
            hands,
            streams: BTreeSet::new(),
            holds: BTreeSet::new(),
            parked: BTreeSet::new(),
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
        self.hands.open.has(channel)
    }

    pub(super) const fn has_any_room(&self) -> bool {
        !self.hands.open.is_empty()
    }

    /// How many of each channel are in hand.
    pub(super) const fn in_hand(&self) -> &PerChannel<u16> {
        &self.hands.full
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.hands.limits
    }

    pub(super) fn suits(&self, channel: Channel, asked: &Grades) -> bool {
        self.has_room(channel) && self.held.cover(asked)
    }

    /// Whether such work of a queue is for them at all, with empty hands.
    pub(super) fn may_serve(
        &self,
        queue: QueueId,
        channel: Option<Channel>,
        skills: &Skills,
    ) -> bool {
        let takes = |channel| self.limits().has_room(&PerChannel::all(0), channel);
        self.profile.queues.contains(&queue)
            && channel.is_none_or(takes)
            && self.profile.skills.cover(skills)
    }

    pub(super) fn take(&mut self, item: WorkItemId, channel: Channel) {
        if self.holds.insert(item) {
            self.hands.fill(channel);
        }
    }

    pub(super) fn give_back(&mut self, item: WorkItemId, channel: Channel) {
        if self.holds.remove(&item) && !self.parked.remove(&item) {
            self.hands.free(channel);
        }
    }

    /// Accepted work of theirs takes no capacity from now on.
    pub(super) fn park(&mut self, item: WorkItemId, channel: Channel) {
        if self.holds.contains(&item) && self.parked.insert(item) {
            self.hands.free(channel);
            self.working = self.working.saturating_sub(1);
        }
    }

    /// They are at it again.
    pub(super) fn take_up(&mut self, item: WorkItemId, channel: Channel) {
        if self.parked.remove(&item) {
            self.hands.fill(channel);
            self.working += 1;
        }
    }

    pub(super) fn set_profile(&mut self, profile: Profile, held: Grades) {
        self.hands.limit(&profile.capacity);
        self.profile = profile;
        self.held = held;
    }

    /// Whatever waits for them: in their queues, and what is kept for them.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        let queues = self.profile.queues.iter().copied().map(Line::Queue);
        queues.chain(std::iter::once(Line::Agent(self.profile.id)))
    }

    pub(super) fn idle_rank(&self) -> IdleRank {
        let in_hand = self.holds.len() - self.parked.len();
        (in_hand, self.standing.idle_since, self.profile.id)
    }
}

/// What an agent takes at once and has in hand, and what of it follows: looked at for each decision, it is worked out when
/// it changes.
#[derive(Clone, Debug)]
struct Hands {
    limits: Limits,
    full: PerChannel<u16>,
    open: Channels,
}

impl Hands {
    fn new(capacity: &Capacity) -> Self {
        let (limits, full) = (capacity.by_channel(), PerChannel::all(0));
        let open = limits.open(&full);
        Self { limits, full, open }
    }

    fn limit(&mut self, capacity: &Capacity) {
        self.limits = capacity.by_channel();
        self.open = self.limits.open(&self.full);
    }

    fn fill(&mut self, channel: Channel) {
        *self.full.at(channel) += 1;
        self.open = self.limits.open(&self.full);
    }

    fn free(&mut self, channel: Channel) {
        *self.full.at(channel) -= 1;
        self.open = self.limits.open(&self.full);
    }
}
