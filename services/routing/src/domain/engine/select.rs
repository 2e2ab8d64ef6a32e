//! Who of the free is asked first, and which of their queues' work who comes free gets: the named disciplines.

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::seat::{IdleRank, Seat};
use super::skills::Grades;
use super::waiting::Rank;
use crate::domain::{Channel, Discipline, Duty, Load, Selection, WorkSelection};

/// Where an agent stands among those who may take something: the least is asked first.
pub(super) type Merit = (bool, u128, IdleRank);

/// How long work takes of which nobody has done any yet, in microseconds.
const USUAL_HANDLE: u64 = 300_000_000;

impl Engine {
    /// Whom to ask first for work of this class in this queue.
    pub(super) fn select(
        &self,
        queue: QueueId,
        channel: Channel,
        asked: &Grades,
        passes_over: impl Fn(AgentId) -> bool,
    ) -> Option<AgentId> {
        let discipline = self.discipline(queue);
        if discipline.is_plain() {
            return self.floor.first(queue, channel, asked, passes_over);
        }
        let free = self.floor.free(queue);
        let suits = |seat: &&Seat| seat.suits(channel, asked) && !passes_over(seat.profile.id);
        let mut free = free.filter(suits).peekable();
        // Everybody of the queue is looked at for the bar: not for nobody.
        free.peek()?;
        let bar = self.bar(queue, &discipline);
        let merit = |seat: &&Seat| {
            let surplus = || seat.held.surplus(asked);
            self.merit(queue, &discipline, bar, seat, surplus)
        };
        free.min_by_key(merit).map(|seat| seat.profile.id)
    }

    /// How the work of a queue finds its agents.
    #[must_use]
    pub fn discipline(&self, queue: QueueId) -> Discipline {
        let terms = self.queues.get(&queue);
        terms.map(|terms| terms.discipline).unwrap_or_default()
    }

    /// The occupancy above which an agent of the queue is asked after the others.
    pub(super) fn bar(&self, queue: QueueId, discipline: &Discipline) -> Option<u64> {
        let spread = u64::from(discipline.most_occupancy_spread?) * (Load::WHOLE / 100);
        let staffed = self
            .floor
            .seats()
            .filter(|seat| seat.profile.queues.contains(&queue) && seat.duty() != Duty::Off);
        let (count, sum) = staffed.fold((0, 0), |(count, sum), seat| {
            (count + 1, sum + self.occupancy(seat))
        });
        Some(u64::checked_div(sum, count)? + spread)
    }

    pub(super) fn occupancy(&self, seat: &Seat) -> u64 {
        seat.load(self.floor.now()).occupancy()
    }

    /// Where an agent stands by the discipline of a queue, whether they are free or not.
    pub(super) fn merit(
        &self,
        queue: QueueId,
        discipline: &Discipline,
        bar: Option<u64>,
        seat: &Seat,
        surplus: impl Fn() -> u32,
    ) -> Merit {
        let agent = seat.profile.id;
        let figure = match discipline.selection {
            Selection::LongestIdle => 0,
            Selection::LeastOccupied => self.occupancy(seat).into(),
            Selection::BestSkilled => u128::from(u32::MAX - surplus()),
            Selection::RoundRobin => {
                let last = self.records.last_asked(queue).unwrap_or(AgentId::nil());
                steps(last, agent)
            }
            Selection::Fastest => self.records.pace(queue, agent).unwrap_or(0).into(),
        };
        let above = bar.is_some_and(|bar| self.occupancy(seat) > bar);
        (above, figure, seat.idle_rank())
    }

    /// What an agent who comes free gets by a rule that weighs their queues: of each the first that suits, of these the
    /// most urgent, of these what the rule says.
    pub(super) fn weigh(
        &self,
        now: Micros,
        seat: &Seat,
        passes_over: impl Fn(WorkItemId) -> bool,
    ) -> Option<Rank> {
        let heads = seat.lines().filter_map(|line| {
            let room = |channel| seat.has_room(channel);
            let one = std::iter::once(line);
            let first = self.waiting.first(one, room, &seat.held, &passes_over)?;
            // What is kept for them is weighed as what waits in its queue.
            let queue = self.item(first.id)?.queue;
            Some((queue, first))
        });
        let heads: Vec<(QueueId, Rank)> = heads.collect();
        let class = heads.iter().map(|(_, rank)| rank.class()).min()?;
        let urgent = heads.into_iter().filter(|(_, rank)| rank.class() == class);
        let before = |(queue, rank): &(QueueId, Rank), (other, twin): &(QueueId, Rank)| {
            let claims = [(*queue, *rank), (*other, *twin)]
                .map(|(queue, rank)| self.claim(now, seat, queue, rank));
            claims[0].total_cmp(&claims[1]).then(rank.cmp(twin))
        };
        urgent.min_by(before).map(|(_, rank)| rank)
    }

    /// How little the work at the head of a queue presses: the least goes first. Nothing but the four basic operations
    /// is done with these numbers, which give the same on every machine.
    fn claim(&self, now: Micros, seat: &Seat, queue: QueueId, head: Rank) -> f64 {
        let discipline = self.discipline(queue);
        let weight = f64::from(discipline.weight.max(1));
        match seat.profile.work_selection {
            WorkSelection::Oldest => 0.0,
            WorkSelection::QueueRatio => self.records.taken(now, queue) as f64 / weight,
            WorkSelection::GeneralisedCMu => {
                // What was handed on presses as long as its contact waits, as its place in the line has it.
                let waited = self.item(head.id).map(|work| now - work.turn());
                let waited = waited.unwrap_or_default().as_secs_f64();
                let terms = self.queues.get(&queue);
                let target = terms.map_or(0.0, |terms| terms.answer_target.as_secs_f64());
                let target = target.max(0.001);
                let handle = self.records.pace(queue, seat.profile.id);
                let handle = handle.unwrap_or(USUAL_HANDLE).max(1) as f64;
                -(weight * waited / (target * target) / handle)
            }
        }
    }

    /// Whether it is counted how long agents take for the work of a queue.
    pub(super) fn counts_pace(&self, queue: QueueId) -> bool {
        self.discipline(queue).selection == Selection::Fastest
            || self.floor.anybody_chooses_by(WorkSelection::GeneralisedCMu)
    }
}

/// How many places an agent is behind another in the circle of all ids, from 0 for the next.
const fn steps(last: AgentId, agent: AgentId) -> u128 {
    let (last, agent) = (last.uuid().as_u128(), agent.uuid().as_u128());
    agent.wrapping_sub(last).wrapping_sub(1)
}
