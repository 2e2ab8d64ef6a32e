#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

use rapport_foundation::id::{QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Map;
use super::skills::Grades;
use crate::domain::{Channel, Priority, WorkItem};
use tree::{NodeId, Search, Tree};

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

    pub(super) const fn of(work: &WorkItem) -> Self {
        Self::new(work.priority, work.queued_at, work.id)
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

/// Where work waits: what is alike to a matcher but for the skills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) queue: QueueId,
    pub(super) channel: Channel,
    pub(super) asked: &'a Grades,
}

/// What waits, by queue and channel, in order and by the skills it asks for. A free agent looks
/// at the head of each line, where mostly something suits them, and is led along the skills they
/// hold where nothing there does: they never look at all that waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    queues: Map<QueueId, Lot>,
    tree: Tree,
    count: usize,
}

/// What waits in one queue.
#[derive(Clone, Debug, Default)]
struct Lot {
    lines: Vec<Line>,
    count: usize,
}

/// What waits in one queue on one channel.
#[derive(Clone, Debug)]
struct Line {
    channel: Channel,
    order: BTreeMap<Rank, Grades>,
    root: NodeId,
}

/// How much of a line is looked at before the tree is: of work that every tenth agent may take,
/// something suits in all but one of a thousand heads. Tests go on to the tree sooner.
const HEAD: usize = if cfg!(test) { 2 } else { 64 };

impl Lot {
    fn line(&self, channel: Channel) -> Option<&Line> {
        self.lines.iter().find(|line| line.channel == channel)
    }

    fn line_mut(&mut self, channel: Channel) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.channel == channel)
    }
}

impl Waiting {
    pub(super) fn insert(&mut self, spot: Spot<'_>, rank: Rank) {
        let lot = self.queues.entry(spot.queue).or_default();
        if lot.line(spot.channel).is_none() {
            lot.lines.push(Line {
                channel: spot.channel,
                order: BTreeMap::new(),
                root: self.tree.plant(),
            });
        }
        let Some(line) = lot.line_mut(spot.channel) else {
            return;
        };
        if line.order.insert(rank, spot.asked.clone()).is_none() {
            self.tree.insert(line.root, spot.asked, rank);
            lot.count += 1;
            self.count += 1;
        }
    }

    pub(super) fn remove(&mut self, spot: Spot<'_>, rank: Rank) {
        let Some(lot) = self.queues.get_mut(&spot.queue) else {
            return;
        };
        let Some(line) = lot.line_mut(spot.channel) else {
            return;
        };
        if line.order.remove(&rank).is_some() {
            self.tree.remove(line.root, spot.asked, rank);
            lot.count -= 1;
            self.count -= 1;
        }
    }

    /// The first place in these queues whose skills are `held` on a channel there is `room` for,
    /// leaving out single items that are passed over.
    pub(super) fn first(
        &self,
        queues: impl Iterator<Item = QueueId>,
        room: impl Fn(Channel) -> bool,
        held: &Grades,
        passes_over: impl Fn(WorkItemId) -> bool,
    ) -> Option<Rank> {
        let mut best = None;
        let mut deeper = Vec::new();
        let lots = queues.filter_map(|queue| self.queues.get(&queue));
        for line in lots.flat_map(|lot| &lot.lines) {
            if !room(line.channel) {
                continue;
            }
            match line.head(held, best, &passes_over) {
                Head::First(rank) => best = Some(rank),
                Head::Nothing => {}
                Head::Deeper => deeper.push(line.root),
            }
        }
        if deeper.is_empty() {
            return best;
        }
        Search::new(&self.tree, held, passes_over, best).first(deeper)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn len_of(&self, queue: QueueId) -> usize {
        self.queues.get(&queue).map_or(0, |lot| lot.count)
    }

    pub(super) fn contains(&self, spot: Spot<'_>, rank: Rank) -> bool {
        let lot = self.queues.get(&spot.queue);
        let line = lot.and_then(|lot| lot.line(spot.channel));
        line.is_some_and(|line| {
            line.order.get(&rank) == Some(spot.asked)
                && self.tree.contains(line.root, spot.asked, rank)
        })
    }

    /// Whether no more than the roots is left of the index.
    #[cfg(test)]
    fn is_bare(&self) -> bool {
        let roots = self.queues.values().map(|lot| lot.lines.len());
        self.tree.len() == roots.sum::<usize>()
    }
}

/// What the head of a line holds for somebody.
enum Head {
    /// This is the first for them.
    First(Rank),
    /// Nothing that comes before what was found already.
    Nothing,
    /// Nothing, and the line goes on.
    Deeper,
}

impl Line {
    fn head(
        &self,
        held: &Grades,
        best: Option<Rank>,
        passes_over: impl Fn(WorkItemId) -> bool,
    ) -> Head {
        for (place, (rank, asked)) in self.order.iter().enumerate() {
            if best.is_some_and(|best| best < *rank) {
                return Head::Nothing;
            }
            if place == HEAD {
                return Head::Deeper;
            }
            if held.cover(asked) && !passes_over(rank.id) {
                return Head::First(*rank);
            }
        }
        Head::Nothing
    }
}
