//! What supervisors are told of queues and agents: how things stand now, and what came of work over a stretch of time.
//!
//! Every figure follows from rows: work items as they were last stored, and the spells of agents. [`Statistics::item`]
//! takes one row after the other and sees to it that what was counted of an earlier state of it is not counted
//! twice, so that an owner who counts as it goes and one who reads the tables come to the same sums. Each work item
//! is counted once, in the queue in which it was answered, else in the one where it waits or ended. Of what no customer
//! waits for, the work of who is asked about a contact, nothing counts but how it was handled.

mod buckets;
mod pace;
mod staff;
mod sums;
mod window;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

pub use staff::{Spell, StaffCount, Time};
pub use sums::Sums;
pub use window::Window;

use super::engine::{Changes, Engine};
use super::{Priority, Promise, WorkItem, WorkState};
use buckets::Buckets;
use pace::Pace;
use staff::Staff;

/// Whoever has more work ahead of it is told that there is so much.
pub const MOST_AHEAD: usize = 100_000;

/// The place of waiting work in its queue.
type Rank = (Reverse<Priority>, Micros, WorkItemId);

/// How far open work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting(Rank),
    /// Since when.
    Offered(Micros),
    InHand,
    WrapUp,
}

/// What was counted of an open work item when it was last seen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    queue: QueueId,
    stage: Stage,
    /// The queue it is counted in.
    home: QueueId,
    answered: bool,
    agent: Option<AgentId>,
}

impl Seen {
    fn waits_in(self) -> Option<QueueId> {
        matches!(self.stage, Stage::Waiting(_)).then_some(self.queue)
    }
}

/// How many work items of a queue are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// In the queue.
    pub waiting: usize,
    /// Since when the oldest of them waits; of work that was handed on and keeps its turn, since its contact came.
    pub oldest: Option<Micros>,
    /// Out as an offer.
    pub offered: usize,
    /// Handled by an agent.
    pub in_hand: usize,
    /// Written up.
    pub wrap_up: usize,
}

/// What is kept of one queue.
#[derive(Clone, Debug, Default)]
struct Line {
    waiting: BTreeSet<Rank>,
    /// How many wait of each priority.
    of_priority: [usize; Priority::ALL.len()],
    offered: usize,
    in_hand: usize,
    wrap_up: usize,
    sums: Buckets<Sums>,
    pace: Pace,
}

/// The figures of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    lines: HashMap<QueueId, Line>,
    open: HashMap<WorkItemId, Seen>,
    staff: Staff,
    /// The minute in which it was last forgotten what is too old.
    forgotten: Micros,
}

impl Statistics {
    /// How far back figures are kept at `now`.
    #[must_use]
    pub fn horizon(now: Micros) -> Micros {
        now - buckets::KEPT
    }

    /// Counts what a batch changed, and notes of new work that has to wait how long it is said to. Answers the spells of
    /// agents that began and ended by that.
    pub fn take_in(
        &mut self,
        now: Micros,
        engine: &mut Engine,
        changes: &mut Changes,
    ) -> Vec<Spell> {
        let mut agents: BTreeSet<AgentId> = self.staff.unseen().into_iter().collect();
        agents.extend(changes.agents.iter().map(|(agent, _)| *agent));
        for work in &mut changes.items {
            let before = self.open.get(&work.id).and_then(|seen| seen.agent);
            agents.extend(before.into_iter().chain(work.agent()));
            if let Some(promise) = self.promise(now, work) {
                work.figures.promise = Some(promise);
                engine.promise(work.id, promise);
            }
            self.item(now, work);
        }
        self.forget(now);
        let at_work = agents.into_iter().filter_map(|agent| engine.at_work(agent));
        at_work
            .flat_map(|agent| self.staff.look(now, &agent))
            .collect()
    }

    /// Counts a work item as it is now, rather than as it was when it was last seen.
    pub fn item(&mut self, now: Micros, work: &WorkItem) {
        let before = self.open.remove(&work.id);
        let home = home(work);
        self.count(now, work, before.as_ref(), home);
        let after = stage(work).map(|stage| Seen {
            queue: work.queue,
            stage,
            home,
            answered: work.figures.answered.is_some(),
            agent: work.agent(),
        });
        let (was, is) = (
            before.and_then(Seen::waits_in),
            after.and_then(Seen::waits_in),
        );
        if let Some(queue) = was.filter(|_| was != is) {
            self.line(queue).pace.one_less(now);
        }
        if let Some(queue) = is.filter(|_| was != is) {
            self.line(queue).pace.one_more(now);
        }
        if let (Some(Stage::Offered(made)), Some(Stage::InHand)) =
            (before.map(|seen| seen.stage), after.map(|seen| seen.stage))
        {
            self.line(work.queue).pace.answer(now - made);
        }
        if let Some(seen) = before {
            self.leave(seen);
        }
        if let Some(seen) = after {
            self.enter(seen);
            self.open.insert(work.id, seen);
        }
    }

    fn line(&mut self, queue: QueueId) -> &mut Line {
        self.lines.entry(queue).or_default()
    }

    fn leave(&mut self, seen: Seen) {
        let line = self.line(seen.queue);
        match seen.stage {
            Stage::Waiting(rank) => {
                line.waiting.remove(&rank);
                line.of_priority[rank.0.0 as usize] -= 1;
            }
            Stage::Offered(_) => line.offered -= 1,
            Stage::InHand => line.in_hand -= 1,
            Stage::WrapUp => line.wrap_up -= 1,
        }
    }

    fn enter(&mut self, seen: Seen) {
        let line = self.line(seen.queue);
        match seen.stage {
            Stage::Waiting(rank) => {
                line.waiting.insert(rank);
                line.of_priority[rank.0.0 as usize] += 1;
            }
            Stage::Offered(_) => line.offered += 1,
            Stage::InHand => line.in_hand += 1,
            Stage::WrapUp => line.wrap_up += 1,
        }
    }

    /// What came of it, in the stretches of time in which it came.
    fn count(&mut self, now: Micros, work: &WorkItem, before: Option<&Seen>, home: QueueId) {
        if !work.is_beside() {
            self.count_wait(now, work, before, home);
        }
        self.count_handling(now, work, home);
    }

    /// What came of it for the customer who waits.
    fn count_wait(&mut self, now: Micros, work: &WorkItem, before: Option<&Seen>, home: QueueId) {
        let moved = before.filter(|seen| seen.home != home);
        if let Some(seen) = moved {
            self.line(seen.home).sums.correct(work.queued_at, |sums| {
                sums.queued = sums.queued.saturating_sub(1);
            });
        }
        let sums = &mut self.line(home).sums;
        if before.is_none() || moved.is_some() {
            sums.add(now, work.queued_at, |sums| sums.queued += 1);
        }
        let answered = work.figures.answered;
        if let Some(answered) = answered.filter(|_| !before.is_some_and(|seen| seen.answered)) {
            let wait = answered.at - work.queued_at;
            sums.add(now, answered.at, |sums| {
                sums.answer(wait, answered.in_time, work.figures.promise);
            });
        }
        match work.state {
            WorkState::Abandoned { at } if answered.is_none() => {
                let early = work.figures.left_early;
                sums.add(now, at, |sums| sums.abandon(early));
            }
            WorkState::Withdrawn { at } if answered.is_none() => {
                sums.add(now, at, |sums| sums.withdrawn += 1);
            }
            _ => {}
        }
    }

    /// What it took of agents.
    fn count_handling(&mut self, now: Micros, work: &WorkItem, home: QueueId) {
        if let WorkState::Completed {
            accepted_at,
            handled_at,
            at,
            ..
        } = work.state
        {
            let handled = work.figures.handled_before + work.figures.at_it(accepted_at, at);
            let held = work.passage.as_deref().map_or(Duration::ZERO, |p| p.held);
            let handed_on = work.next().is_some();
            self.line(home).sums.add(now, at, |sums| {
                sums.complete(handled, at - handled_at, held);
                sums.transferred += u64::from(handed_on);
            });
        }
    }

    /// How many work items of a queue are how far.
    #[must_use]
    pub fn load(&self, queue: QueueId) -> Load {
        let Some(line) = self.lines.get(&queue) else {
            return Load::default();
        };
        // The first of each priority is its oldest.
        let first = |priority: &Priority| {
            let from = (Reverse(*priority), Micros(i64::MIN), WorkItemId::nil());
            let next = line.waiting.range(from..).next();
            next.filter(|rank| rank.0 == Reverse(*priority))
                .map(|rank| rank.1)
        };
        Load {
            waiting: line.waiting.len(),
            oldest: Priority::ALL.iter().filter_map(first).min(),
            offered: line.offered,
            in_hand: line.in_hand,
            wrap_up: line.wrap_up,
        }
    }

    /// What came of the work of a queue since the beginning of a window.
    #[must_use]
    pub fn sums(&self, queue: QueueId, from: Micros) -> Sums {
        let line = self.lines.get(&queue);
        line.map(|line| line.sums.since(from)).unwrap_or_default()
    }

    /// Takes in a spell that was stored.
    pub fn spell(&mut self, now: Micros, spell: Spell) {
        self.staff.recall(now, spell);
    }

    /// After everything that was stored was taken in: what runs still went on until `seen`, of which something is
    /// stored. What it is now is to be looked at.
    pub fn resume(&mut self, seen: Micros) {
        self.staff.resume(seen);
    }

    /// How agents spent their time since the beginning of a window.
    pub fn time(&self, now: Micros, from: Micros, agent: AgentId) -> Time {
        self.staff.time(now, from, agent)
    }

    /// How many wait in a queue before work of this priority that comes now.
    #[must_use]
    pub fn ahead_of_new(&self, queue: QueueId, priority: Priority) -> usize {
        let Some(line) = self.lines.get(&queue) else {
            return 0;
        };
        let ahead = Priority::ALL.iter().filter(|other| **other >= priority);
        ahead.map(|other| line.of_priority[*other as usize]).sum()
    }

    /// How many wait in its queue before a work item that waits; counted up to [`MOST_AHEAD`].
    #[must_use]
    pub fn ahead_of(&self, item: WorkItemId) -> Option<(QueueId, usize)> {
        let seen = self.open.get(&item)?;
        let Stage::Waiting(rank) = seen.stage else {
            return None;
        };
        let line = self.lines.get(&seen.queue)?;
        let ahead = line.waiting.range(..rank).take(MOST_AHEAD).count();
        Some((seen.queue, ahead))
    }

    /// How long work is likely to wait before which so many wait; none when too little is known of the queue.
    #[must_use]
    pub fn forecast(&self, now: Micros, queue: QueueId, ahead: usize) -> Option<Promise> {
        self.lines.get(&queue)?.pace.forecast(now, ahead)
    }

    /// How long agents take to answer an offer of a queue; none when too little is known.
    #[must_use]
    pub fn forecast_offered(&self, queue: QueueId) -> Option<Promise> {
        self.lines.get(&queue)?.pace.answering()
    }

    /// The last quarter of an hour that began by a moment: sums can be told from there.
    #[must_use]
    pub fn quarter(at: Micros) -> Micros {
        buckets::quarter(at)
    }

    /// What work is told that came now, was not counted yet, and has to wait.
    fn promise(&self, now: Micros, work: &WorkItem) -> Option<Promise> {
        let is_new = work.queued_at == now && !self.open.contains_key(&work.id);
        // What was handed on has a place of its own in the line.
        let handed_on = work.turn() != now || work.kept().is_some();
        if !is_new || handed_on || work.state != WorkState::Waiting {
            return None;
        }
        let ahead = self.ahead_of_new(work.queue, work.priority);
        self.forecast(now, work.queue, ahead)
    }

    /// Forgets what is too old to be asked for, once a minute.
    fn forget(&mut self, now: Micros) {
        let minute = buckets::minute(now);
        if minute == self.forgotten {
            return;
        }
        self.forgotten = minute;
        for line in self.lines.values_mut() {
            line.sums.forget(now);
        }
        self.staff.forget(now);
    }
}

fn home(work: &WorkItem) -> QueueId {
    let answered = work.figures.answered;
    answered.map_or(work.queue, |answered| answered.queue)
}

fn stage(work: &WorkItem) -> Option<Stage> {
    Some(match work.state {
        WorkState::Waiting => Stage::Waiting((Reverse(work.priority), work.turn(), work.id)),
        WorkState::Offered(ref offer) => Stage::Offered(offer.made_at),
        WorkState::Accepted { .. } => Stage::InHand,
        WorkState::WrappingUp { .. } => Stage::WrapUp,
        WorkState::Completed { .. } | WorkState::Abandoned { .. } | WorkState::Withdrawn { .. } => {
            return None;
        }
    })
}
