use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, QueueId};
use rapport_foundation::time::Micros;

use super::Map;
use super::input::Profile;
use super::seat::{IdleRank, Seat};
use super::skills::Grades;
use crate::domain::{Channel, WorkSelection};

/// Everybody, and for each queue who of its agents is free, in the order they are asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Floor {
    seats: Map<AgentId, Seat>,
    free: Map<QueueId, BTreeSet<IdleRank>>,
    /// The time of the step that is made.
    now: Micros,
    /// How many choose by which rule among their queues' work.
    choosing: [usize; WorkSelection::ALL.len()],
}

impl Floor {
    pub(super) fn seat(&self, agent: AgentId) -> Option<&Seat> {
        self.seats.get(&agent)
    }

    pub(super) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    pub(super) const fn now(&self) -> Micros {
        self.now
    }

    pub(super) const fn set_now(&mut self, now: Micros) {
        self.now = now;
    }

    /// Those of a queue who are free.
    pub(super) fn free(&self, queue: QueueId) -> impl Iterator<Item = &Seat> {
        let free = self.free.get(&queue).into_iter().flatten();
        free.filter_map(|(_, _, agent)| self.seats.get(agent))
    }

    pub(super) const fn anybody_chooses_by(&self, rule: WorkSelection) -> bool {
        self.choosing[rule as usize] > 0
    }

    /// Somebody new.
    pub(super) fn add(&mut self, seat: Seat) {
        let agent = seat.profile.id;
        self.choosing[seat.profile.work_selection as usize] += 1;
        self.seats.insert(agent, seat);
        self.relist(agent);
    }

    /// Changes a seat and its place among the free in one go, so that neither is forgotten.
    pub(super) fn change<T>(
        &mut self,
        agent: AgentId,
        change: impl FnOnce(&mut Seat) -> T,
    ) -> Option<T> {
        let seat = self.seats.get_mut(&agent)?;
        // What they were at is counted before it is another.
        seat.standing.load = seat.load(self.now);
        let out = change(seat);
        self.relist(agent);
        Some(out)
    }

    /// Gives an agent another setting.
    pub(super) fn set_profile(&mut self, profile: Profile, held: Grades) {
        let agent = profile.id;
        let Some(seat) = self.seats.get_mut(&agent) else {
            return;
        };
        Self::unlist(&mut self.free, seat);
        self.choosing[seat.profile.work_selection as usize] -= 1;
        self.choosing[profile.work_selection as usize] += 1;
        seat.set_profile(profile, held);
        self.relist(agent);
    }

    fn relist(&mut self, agent: AgentId) {
        let Some(seat) = self.seats.get_mut(&agent) else {
            return;
        };
        let rank = (seat.takes_work() && seat.has_any_room()).then(|| seat.idle_rank());
        if seat.listed == rank {
            return;
        }
        Self::unlist(&mut self.free, seat);
        if let Some(rank) = rank {
            for queue in &seat.profile.queues {
                self.free.entry(*queue).or_default().insert(rank);
            }
        }
        seat.listed = rank;
    }

    fn unlist(free: &mut Map<QueueId, BTreeSet<IdleRank>>, seat: &mut Seat) {
        if let Some(rank) = seat.listed.take() {
            for queue in &seat.profile.queues {
                if let Some(line) = free.get_mut(queue) {
                    line.remove(&rank);
                }
            }
        }
    }

    /// Whom to ask first for work of this class in this queue.
    pub(super) fn first(
        &self,
        queue: QueueId,
        channel: Channel,
        asked: &Grades,
        passes_over: impl Fn(AgentId) -> bool,
    ) -> Option<AgentId> {
        let free = self.free.get(&queue)?;
        free.iter().map(|(_, _, agent)| *agent).find(|agent| {
            self.seats
                .get(agent)
                .is_some_and(|seat| seat.suits(channel, asked))
                && !passes_over(*agent)
        })
    }
}
