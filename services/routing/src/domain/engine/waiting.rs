use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::id::{QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::skills::SkillMask;
use crate::domain::{Channel, Priority};

/// The place of waiting work: the more urgent first, then the older, then by id so that no
/// two places are equal.
pub(super) type Rank = (Reverse<Priority>, Micros, WorkItemId);

/// Work of one class is alike to a matcher: whoever may take one may take each.
type Class = (Channel, SkillMask);

/// What waits, by queue and class, each in order. A free agent looks at the head of each
/// class of their queues, never at all that waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    queues: HashMap<QueueId, BTreeMap<Class, BTreeSet<Rank>>>,
    count: usize,
}

impl Waiting {
    pub(super) fn insert(
        &mut self,
        queue: QueueId,
        channel: Channel,
        mask: &SkillMask,
        rank: Rank,
    ) {
        let classes = self.queues.entry(queue).or_default();
        if classes
            .entry((channel, mask.clone()))
            .or_default()
            .insert(rank)
        {
            self.count += 1;
        }
    }

    pub(super) fn remove(
        &mut self,
        queue: QueueId,
        channel: Channel,
        mask: &SkillMask,
        rank: Rank,
    ) {
        let class = (channel, mask.clone());
        let Some(classes) = self.queues.get_mut(&queue) else {
            return;
        };
        let Some(line) = classes.get_mut(&class) else {
            return;
        };
        if line.remove(&rank) {
            self.count -= 1;
        }
        if line.is_empty() {
            classes.remove(&class);
        }
    }

    /// The first place among the queues' classes that `suits`, skipping single items that
    /// `passes_over` names.
    pub(super) fn first(
        &self,
        queues: impl Iterator<Item = QueueId>,
        suits: impl Fn(Channel, &SkillMask) -> bool,
        passes_over: impl Fn(WorkItemId) -> bool,
    ) -> Option<Rank> {
        let mut best: Option<Rank> = None;
        for classes in queues.filter_map(|q| self.queues.get(&q)) {
            for ((channel, mask), line) in classes {
                // The head alone tells whether this class can win; the check is the cheaper.
                if line
                    .first()
                    .is_none_or(|head| best.is_some_and(|b| b <= *head))
                    || !suits(*channel, mask)
                {
                    continue;
                }
                let found = line.iter().find(|rank| !passes_over(rank.2));
                if let Some(rank) = found
                    && best.is_none_or(|b| *rank < b)
                {
                    best = Some(*rank);
                }
            }
        }
        best
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn len_of(&self, queue: QueueId) -> usize {
        self.queues
            .get(&queue)
            .map_or(0, |classes| classes.values().map(BTreeSet::len).sum())
    }

    pub(super) fn contains(
        &self,
        queue: QueueId,
        channel: Channel,
        mask: &SkillMask,
        rank: Rank,
    ) -> bool {
        self.queues
            .get(&queue)
            .and_then(|classes| classes.get(&(channel, mask.clone())))
            .is_some_and(|line| line.contains(&rank))
    }
}
