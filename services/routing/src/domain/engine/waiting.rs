mod lot;
#[cfg(test)]
mod tests;
mod tree;

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Map;
use super::skills::Grades;
use crate::domain::{Channel, Priority, WorkItem};
use lot::Lot;
use tree::{Search, Tree};

/// The place of waiting work: the more urgent first, then the older, then by id so that no two
/// places are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    urgency: Urgency,
    pub(super) id: WorkItemId,
}

/// Priority and time in one number; the less, the more urgent.
type Urgency = u64;

impl Rank {
    /// Times of the work of a line are told apart within 73,000 years of 1970.
    const TIME_BITS: u32 = 62;

    pub(super) fn of(work: &WorkItem) -> Self {
        Self::new(work.priority, work.turn(), work.id)
    }

    /// The less, the higher the priority.
    pub(super) const fn class(self) -> u64 {
        self.urgency >> Self::TIME_BITS
    }

    const fn new(priority: Priority, queued_at: Micros, id: WorkItemId) -> Self {
        let half = 1_i64 << (Self::TIME_BITS - 1);
        let at = match queued_at.0 {
            at if at < -half => 0,
            at if at >= half => 2 * half.unsigned_abs() - 1,
            at => (at + half).unsigned_abs(),
        };
        let class = (Priority::ALL.len() - 1 - priority as usize) as u64;
        Self {
            urgency: class << Self::TIME_BITS | at,
            id,
        }
    }
}

/// What work waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// That of a queue.
    Queue(QueueId),
    /// That of what is kept for an agent.
    Agent(AgentId),
    /// That of what is offered to nobody for now.
    Aside,
}

impl Line {
    pub(super) fn of(work: &WorkItem) -> Self {
        match (work.paused_until(), work.kept()) {
            (Some(_), _) => Self::Aside,
            (None, Some(kept)) => Self::Agent(kept.agent),
            (None, None) => Self::Queue(work.queue),
        }
    }
}

/// Where work waits: what is alike to a matcher but for the skills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) line: Line,
    pub(super) channel: Channel,
    pub(super) asked: &'a Grades,
}

/// What waits, by line, channel and the skills it asks for. A free agent is led along the
/// skills they hold, the most urgent first: they never look at work that asks for others, which
/// is most of what is old where much waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    lines: Map<Line, Lot>,
    tree: Tree,
    count: usize,
}

impl Waiting {
    pub(super) fn insert(&mut self, spot: Spot<'_>, rank: Rank) {
        let lot = self.lines.entry(spot.line).or_default();
        self.count += usize::from(lot.insert(&mut self.tree, spot, rank));
    }

    pub(super) fn remove(&mut self, spot: Spot<'_>, rank: Rank) {
        if let Some(lot) = self.lines.get_mut(&spot.line) {
            self.count -= usize::from(lot.remove(&mut self.tree, spot, rank));
        }
    }

    /// The first place in these lines whose skills are `held` on a channel there is `room` for,
    /// leaving out single items that are passed over.
    pub(super) fn first(
        &self,
        lines: impl Iterator<Item = Line>,
        room: impl Fn(Channel) -> bool,
        held: &Grades,
        passes_over: impl Fn(WorkItemId) -> bool,
    ) -> Option<Rank> {
        let lots = lines.filter_map(|line| self.lines.get(&line));
        let entries = lots.flat_map(|lot| lot.entries(&room, held.as_slice()));
        Search::new(&self.tree, held, passes_over).first(entries)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn len_of(&self, queue: QueueId) -> usize {
        self.lines.get(&Line::Queue(queue)).map_or(0, Lot::len)
    }

    pub(super) fn contains(&self, spot: Spot<'_>, rank: Rank) -> bool {
        let lot = self.lines.get(&spot.line);
        lot.is_some_and(|lot| lot.contains(&self.tree, spot, rank))
    }

    /// Whether nothing is left of the index.
    #[cfg(test)]
    fn is_bare(&self) -> bool {
        self.tree.len() == 0
    }
}
