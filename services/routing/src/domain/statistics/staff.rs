//! How agents spend their time.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::time::Duration;

use rapport_foundation::id::AgentId;
use rapport_foundation::time::Micros;

use super::buckets::{Buckets, pieces};
use crate::domain::engine::AtWork;
use crate::domain::{AgentState, Presence, Status};

/// A stretch of time in which an agent was busy, or idle and available. Other time is in no spell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// Who.
    pub agent: AgentId,
    /// When it began; one agent has no two that begin at the same moment.
    pub began: Micros,
    /// When it ended; none while it runs.
    pub ended: Option<Micros>,
    /// They handled work or wrote it up, rather than waited for it.
    pub busy: bool,
}

/// Time of agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Handling work, or writing it up.
    pub busy: Duration,
    /// Available, with nothing of that.
    pub idle: Duration,
}

impl Time {
    /// Occupancy: busy / (busy + idle and available), in tenths of a percent; none when that is of nothing.
    #[must_use]
    pub fn permille(&self) -> Option<u16> {
        let whole = (self.busy + self.idle).as_micros();
        let share = (self.busy.as_micros() * 1_000 + whole / 2).checked_div(whole)?;
        u16::try_from(share).ok()
    }

    fn spend(&mut self, busy: bool, span: Duration) {
        if busy {
            self.busy += span;
        } else {
            self.idle += span;
        }
    }
}

impl AddAssign for Time {
    fn add_assign(&mut self, other: Self) {
        self.busy += other.busy;
        self.idle += other.idle;
    }
}

/// How many agents are at what. Each is counted once among the first eight, and once by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StaffCount {
    /// Available and there, with nothing in hand.
    pub idle: usize,
    /// Work is offered to them.
    pub offered: usize,
    /// They handle work.
    pub busy: usize,
    /// They write things up.
    pub wrap_up: usize,
    /// Away, with nothing in hand.
    pub away: usize,
    /// Not responding, with nothing in hand.
    pub not_responding: usize,
    /// Available with no stream open, and nothing in hand.
    pub unreachable: usize,
    /// Offline, with nothing in hand.
    pub offline: usize,
    /// How many are of each status, in the order of [`Status::ALL`].
    pub by_status: [usize; Status::ALL.len()],
}

impl StaffCount {
    /// Counts one more.
    pub fn add(&mut self, agent: &AtWork<'_>) {
        let status = agent.standing.status;
        self.by_status[status as usize] += 1;
        let there = agent.standing.presence == Presence::Present;
        let count = match (agent.state, status) {
            (AgentState::Busy, _) => &mut self.busy,
            (AgentState::WrapUp, _) => &mut self.wrap_up,
            (AgentState::Offered, _) => &mut self.offered,
            (AgentState::Idle, Status::Available) if there => &mut self.idle,
            (AgentState::Idle, Status::Available) => &mut self.unreachable,
            (AgentState::Idle, Status::Away) => &mut self.away,
            (AgentState::Idle, Status::NotResponding) => &mut self.not_responding,
            (AgentState::Idle, Status::Offline) => &mut self.offline,
        };
        *count += 1;
    }
}

#[derive(Clone, Debug, Default)]
struct Shift {
    /// Since when they are busy or idle, and which.
    running: Option<(Micros, bool)>,
    time: Buckets<Time>,
    /// Until when it is known that they were idle: what runs was begun by an owner that is no more.
    known_until: Option<Micros>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Staff {
    shifts: HashMap<AgentId, Shift>,
    unseen: Vec<AgentId>,
}

impl Staff {
    pub(super) fn look(&mut self, now: Micros, agent: &AtWork<'_>) -> Vec<Spell> {
        let busy = matches!(agent.state, AgentState::Busy | AgentState::WrapUp);
        let is = (busy || agent.is_available()).then_some(busy);
        let id = agent.profile.id;
        let shift = self.shifts.entry(id).or_default();
        let known_until = shift.known_until.take();
        let mut spells = Vec::new();
        if let Some((began, was)) = shift.running {
            // Who was handling work goes on with it; whether somebody was there is known of ourselves alone.
            let ended = known_until.filter(|_| !was).map(|until| until.min(now));
            if is == Some(was) && ended.is_none() {
                return spells;
            }
            let ended = ended.unwrap_or(now).max(began);
            shift.spend(now, (began, ended), was);
            // One that took no time is replaced by what begins at its moment.
            if began < now || is.is_none() {
                spells.push(Spell {
                    agent: id,
                    began,
                    ended: Some(ended),
                    busy: was,
                });
            }
        }
        shift.running = is.map(|busy| (now, busy));
        spells.extend(is.map(|busy| Spell {
            agent: id,
            began: now,
            ended: None,
            busy,
        }));
        spells
    }

    pub(super) fn recall(&mut self, now: Micros, spell: Spell) {
        let shift = self.shifts.entry(spell.agent).or_default();
        match spell.ended {
            Some(ended) => shift.spend(now, (spell.began, ended), spell.busy),
            None => shift.running = Some((spell.began, spell.busy)),
        }
    }

    pub(super) fn resume(&mut self, seen: Micros) {
        for (agent, shift) in &mut self.shifts {
            if shift.running.is_some() {
                shift.known_until = Some(seen);
                self.unseen.push(*agent);
            }
        }
    }

    pub(super) fn unseen(&mut self) -> Vec<AgentId> {
        std::mem::take(&mut self.unseen)
    }

    pub(super) fn time(&self, now: Micros, from: Micros, agent: AgentId) -> Time {
        let Some(shift) = self.shifts.get(&agent) else {
            return Time::default();
        };
        let mut time = shift.time.since(from);
        if let Some((began, busy)) = shift.running {
            time.spend(busy, now - began.max(from));
        }
        time
    }

    pub(super) fn forget(&mut self, now: Micros) {
        for shift in self.shifts.values_mut() {
            shift.time.forget(now);
        }
    }
}

impl Shift {
    fn spend(&mut self, now: Micros, (began, ended): (Micros, Micros), busy: bool) {
        let began = began.max(super::Statistics::horizon(now));
        for (at, span) in pieces(began, ended) {
            self.time.add(now, at, |time| time.spend(busy, span));
        }
    }
}
