//! What is remembered of the work that was done, for those disciplines that look back. It is counted while somebody
//! chooses by it, and begins anew for who did not before.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{AgentId, QueueId};
use rapport_foundation::time::Micros;

use super::Map;
use crate::domain::Taken;

/// How long an agent takes for the work of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pace {
    /// Which queue.
    pub queue: QueueId,
    /// Who.
    pub agent: AgentId,
    /// From acceptance to the end of wrap-up in the mean, in microseconds; what they did last counts for a sixteenth.
    pub handle: u64,
}

/// What is remembered of a queue's turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which queue.
    pub queue: QueueId,
    /// Who was asked last.
    pub last: Option<AgentId>,
    /// How much of its work was taken.
    pub taken: Taken,
}

/// The last one counts for one part of so many.
const PARTS: i64 = 16;

#[derive(Clone, Debug, Default)]
struct Book {
    means: BTreeMap<AgentId, u64>,
    /// Of the means.
    sum: u64,
    last: Option<AgentId>,
    taken: Taken,
}

impl Book {
    /// The mean of those who are known.
    fn mean(&self) -> Option<u64> {
        let count = u64::try_from(self.means.len()).unwrap_or(u64::MAX);
        self.sum.checked_div(count)
    }
}

/// What is remembered of every queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    books: Map<QueueId, Book>,
    paces: BTreeSet<(QueueId, AgentId)>,
    turns: BTreeSet<QueueId>,
}

impl Records {
    /// An agent took so long for a work item. Who is new begins at the mean of the others.
    pub(super) fn note_pace(&mut self, queue: QueueId, agent: AgentId, handle: u64) {
        let book = self.books.entry(queue).or_default();
        let before = book.means.get(&agent).copied();
        let from = before.or_else(|| book.mean()).unwrap_or(handle);
        let part = (handle.cast_signed() - from.cast_signed()) / PARTS;
        let mean = from.saturating_add_signed(part);
        book.sum = book.sum - before.unwrap_or(0) + mean;
        book.means.insert(agent, mean);
        self.paces.insert((queue, agent));
    }

    /// How long an agent takes, or who is new would; none where nobody has done anything yet.
    pub(super) fn pace(&self, queue: QueueId, agent: AgentId) -> Option<u64> {
        let book = self.books.get(&queue)?;
        book.means.get(&agent).copied().or_else(|| book.mean())
    }

    pub(super) fn note_asked(&mut self, queue: QueueId, agent: AgentId) {
        self.books.entry(queue).or_default().last = Some(agent);
        self.turns.insert(queue);
    }

    pub(super) fn last_asked(&self, queue: QueueId) -> Option<AgentId> {
        self.books.get(&queue).and_then(|book| book.last)
    }

    pub(super) fn note_taken(&mut self, now: Micros, queue: QueueId) {
        self.books.entry(queue).or_default().taken.add(now);
        self.turns.insert(queue);
    }

    pub(super) fn taken(&self, now: Micros, queue: QueueId) -> u64 {
        let book = self.books.get(&queue);
        book.map_or(0, |book| book.taken.by(now))
    }

    /// What changed since the last call.
    pub(super) fn take_changes(&mut self) -> (Vec<Pace>, Vec<Turn>) {
        let (paces, turns) = (
            std::mem::take(&mut self.paces),
            std::mem::take(&mut self.turns),
        );
        let paces = paces.into_iter().filter_map(|(queue, agent)| {
            let handle = *self.books.get(&queue)?.means.get(&agent)?;
            Some(Pace {
                queue,
                agent,
                handle,
            })
        });
        let turns = turns.into_iter().filter_map(|queue| self.turn(queue));
        (paces.collect(), turns.collect())
    }

    fn turn(&self, queue: QueueId) -> Option<Turn> {
        let book = self.books.get(&queue)?;
        Some(Turn {
            queue,
            last: book.last,
            taken: book.taken,
        })
    }

    /// Everything, in the order of the ids.
    pub(super) fn snapshot(&self) -> (Vec<Pace>, Vec<Turn>) {
        let mut queues: Vec<QueueId> = self.books.keys().copied().collect();
        queues.sort_unstable();
        let of_queue = |queue: &QueueId| {
            let (queue, means) = (*queue, self.books.get(queue).map(|book| &book.means));
            let means = means.into_iter().flatten();
            means.map(move |(agent, handle)| Pace {
                queue,
                agent: *agent,
                handle: *handle,
            })
        };
        let paces = queues.iter().flat_map(of_queue).collect();
        let turns = queues.iter().filter_map(|queue| self.turn(*queue));
        let is_told = |turn: &Turn| turn.last.is_some() || turn.taken != Taken::default();
        (paces, turns.filter(is_told).collect())
    }

    pub(super) fn restore(paces: Vec<Pace>, turns: Vec<Turn>) -> Self {
        let mut records = Self::default();
        for pace in paces {
            let book = records.books.entry(pace.queue).or_default();
            let before = book.means.insert(pace.agent, pace.handle);
            book.sum = book.sum - before.unwrap_or(0) + pace.handle;
        }
        for turn in turns {
            let book = records.books.entry(turn.queue).or_default();
            (book.last, book.taken) = (turn.last, turn.taken);
        }
        records
    }

    /// Whether the sums are those of what they sum up.
    pub(super) fn add_up(&self) -> bool {
        let mut books = self.books.values();
        books.all(|book| book.sum == book.means.values().sum::<u64>())
    }
}
