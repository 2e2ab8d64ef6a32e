//! Standing where one stood.

use std::collections::{BTreeSet, HashMap};

use rapport_foundation::id::{AgentId, CalendarId};
use rapport_foundation::time::Micros;

use super::input::{Profile, Terms};
use super::records::{Pace, Records, Turn};
use super::seat::Seat;
use super::{Engine, Settings, Timer};
use crate::domain::sla::Hours;
use crate::domain::{Duty, Presence, Standing, WorkItem, WorkState};

/// Everything a stopped engine needs to stand where it stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every queue.
    pub queues: Vec<Terms>,
    /// Every agent and how they stood.
    pub agents: Vec<(Profile, Standing)>,
    /// Every open work item.
    pub items: Vec<WorkItem>,
    /// How fast agents are, where that is counted.
    pub paces: Vec<Pace>,
    /// Whose turn it was, and how much was taken, by queue.
    pub turns: Vec<Turn>,
    /// Every calendar, for the shifts of agents.
    pub calendars: Vec<(CalendarId, Hours)>,
}

/// The rows that the decisions since the last look touched, as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Work items, by id.
    pub items: Vec<WorkItem>,
    /// How agents stand, by id.
    pub agents: Vec<(AgentId, Standing)>,
    /// How fast agents are, where that is another.
    pub paces: Vec<Pace>,
    /// Whose turn it was, and how much was taken, where that is another.
    pub turns: Vec<Turn>,
}

impl Engine {
    /// An engine that stands where the one that left `snapshot` stood, with every stream
    /// gone. Offers that were out keep their own expiry and are nobody else's before; agents
    /// who were there get the grace to come back.
    #[must_use]
    pub fn restore(settings: Settings, mut snapshot: Snapshot, now: Micros) -> Self {
        settle_loads(&mut snapshot, now);
        let mut left = BTreeSet::new();
        for (profile, standing) in &mut snapshot.agents {
            if standing.presence == Presence::Present {
                standing.presence = Presence::Leaving {
                    until: now + settings.grace,
                };
                left.insert(profile.id);
            }
        }
        let mut engine = Self::pictured(settings, snapshot, now);
        engine.touched.agents = left;
        engine
    }

    /// An engine as it was when `snapshot` was taken, at `now`: to be looked at, not to go on.
    #[must_use]
    pub fn pictured(settings: Settings, mut snapshot: Snapshot, now: Micros) -> Self {
        settle_loads(&mut snapshot, now);
        let mut engine = Self::new(settings);
        engine.floor.set_now(now);
        engine.records = Records::restore(snapshot.paces, snapshot.turns);
        engine.calendars = snapshot.calendars.into_iter().collect();
        for terms in snapshot.queues {
            engine.queues.insert(terms.id, terms);
        }
        for (mut profile, standing) in snapshot.agents {
            if let Presence::Leaving { until } = standing.presence {
                engine.timers.set(until, Timer::GraceEnds(profile.id));
            }
            if let Some(shift) = standing.shift {
                engine
                    .timers
                    .set(shift.until, Timer::ShiftTurns(profile.id));
            }
            profile.drop_ended(now);
            engine.time_skills(&profile);
            let held = engine.book.grades(&profile.skills);
            engine.floor.add(Seat::new(profile, held, standing));
        }
        for work in snapshot.items {
            if work.is_open() {
                engine.insert(work);
            }
        }
        engine
    }

    /// What [`Engine::restore`] needs, in the order of the ids. The time of agents is counted up to the last step.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut queues: Vec<_> = self.queues.values().cloned().collect();
        queues.sort_unstable_by_key(|terms| terms.id);
        let mut agents: Vec<_> = self
            .floor
            .seats()
            .map(|seat| {
                let load = seat.load(self.floor.now());
                let standing = seat.standing.clone();
                (seat.profile.clone(), Standing { load, ..standing })
            })
            .collect();
        agents.sort_unstable_by_key(|(profile, _)| profile.id);
        let mut items: Vec<_> = self.items.values().map(|held| held.work.clone()).collect();
        items.sort_unstable_by_key(|work| work.id);
        let (paces, turns) = self.records.snapshot();
        Snapshot {
            queues,
            agents,
            items,
            paces,
            turns,
            calendars: (self.calendars.iter())
                .map(|(id, hours)| (*id, hours.clone()))
                .collect(),
        }
    }
}

impl Snapshot {
    /// Nobody decided from one moment to the other: who had nothing to do then was not staffed.
    pub fn rest(&mut self, from: Micros, to: Micros) {
        let busy = settle_loads(self, from.min(to));
        let agents = self.agents.iter_mut();
        for (_, standing) in agents.filter(|(profile, _)| !busy.contains_key(&profile.id)) {
            standing.load.spend(Duty::Off, to);
        }
    }
}

/// Counts the time of agents up to now; answers who was at work, and since when. That somebody accepted something is in the row of the work alone.
fn settle_loads(snapshot: &mut Snapshot, now: Micros) -> HashMap<AgentId, Micros> {
    let mut busy_since: HashMap<_, Micros> = HashMap::new();
    for work in &snapshot.items {
        if work.parked().is_some() {
            continue;
        }
        let (agent, at) = match &work.state {
            WorkState::Accepted { agent, at } => (*agent, *at),
            WorkState::WrappingUp {
                agent, accepted_at, ..
            } => (*agent, *accepted_at),
            _ => continue,
        };
        let since = busy_since.entry(agent).or_insert(at);
        *since = at.min(*since);
    }
    for (profile, standing) in &mut snapshot.agents {
        let free = if standing.takes_work() {
            Duty::Idle
        } else {
            Duty::Off
        };
        let since = busy_since.get(&profile.id).copied();
        let load = &mut standing.load;
        load.spend(free, since.unwrap_or(now).min(now));
        if since.is_some() {
            load.spend(Duty::Busy, now);
        }
    }
    busy_since
}
