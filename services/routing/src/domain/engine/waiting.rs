mod line;
#[cfg(test)]
mod tests;
mod tree;

use std::cmp::Reverse;
use std::collections::HashMap;

use rapport_foundation::id::{QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::skills::Grades;
use crate::domain::{Channel, Priority};
use tree::{NodeId, Search, Tree};

/// The place of waiting work: the more urgent first, then the older, then by id so that no
/// two places are equal.
pub(super) type Rank = (Reverse<Priority>, Micros, WorkItemId);

/// Where work waits: what is alike to a matcher but for the skills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) queue: QueueId,
    pub(super) channel: Channel,
    pub(super) asked: &'a Grades,
}

/// What waits, by queue, channel and the skills it asks for. A free agent is led along the
/// skills they hold, the oldest first: they never look at work that asks for others.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    queues: HashMap<QueueId, Lot>,
    tree: Tree,
    count: usize,
}

/// What waits in one queue.
#[derive(Clone, Debug, Default)]
struct Lot {
    roots: Vec<(Channel, NodeId)>,
    count: usize,
}

impl Lot {
    fn root(&self, channel: Channel) -> Option<NodeId> {
        let found = self.roots.iter().find(|(of, _)| *of == channel);
        found.map(|(_, root)| *root)
    }
}

impl Waiting {
    pub(super) fn insert(&mut self, spot: Spot<'_>, rank: Rank) {
        let lot = self.queues.entry(spot.queue).or_default();
        let root = lot.root(spot.channel).unwrap_or_else(|| {
            let root = self.tree.plant();
            lot.roots.push((spot.channel, root));
            root
        });
        if self.tree.insert(root, spot.asked, rank) {
            lot.count += 1;
            self.count += 1;
        }
    }

    pub(super) fn remove(&mut self, spot: Spot<'_>, rank: Rank) {
        let Some(lot) = self.queues.get_mut(&spot.queue) else {
            return;
        };
        let Some(root) = lot.root(spot.channel) else {
            return;
        };
        if self.tree.remove(root, spot.asked, rank) {
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
        let mut search = Search::new(&self.tree, held, passes_over);
        for lot in queues.filter_map(|queue| self.queues.get(&queue)) {
            for (channel, root) in &lot.roots {
                if room(*channel) {
                    search.begin_at(*root);
                }
            }
        }
        search.first()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn len_of(&self, queue: QueueId) -> usize {
        self.queues.get(&queue).map_or(0, |lot| lot.count)
    }

    /// Whether no more than the roots is left of the index.
    #[cfg(test)]
    fn is_bare(&self) -> bool {
        let roots = self.queues.values().map(|lot| lot.roots.len());
        self.tree.len() == roots.sum::<usize>()
    }

    pub(super) fn contains(&self, spot: Spot<'_>, rank: Rank) -> bool {
        let lot = self.queues.get(&spot.queue);
        lot.and_then(|lot| lot.root(spot.channel))
            .is_some_and(|root| self.tree.contains(root, spot.asked, rank))
    }
}
