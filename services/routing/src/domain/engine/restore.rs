//! Standing where one stood.

use std::collections::BTreeSet;

use rapport_foundation::time::Micros;

use super::input::Snapshot;
use super::seat::Seat;
use super::{Engine, Settings, Timer};
use crate::domain::Presence;

impl Engine {
    /// An engine that stands where the one that left `snapshot` stood, with every stream
    /// gone. Offers that were out keep their own expiry and are nobody else's before; agents
    /// who were there get the grace to come back.
    #[must_use]
    pub fn restore(settings: Settings, mut snapshot: Snapshot, now: Micros) -> Self {
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
    pub fn pictured(settings: Settings, snapshot: Snapshot, now: Micros) -> Self {
        let mut engine = Self::new(settings);
        for terms in snapshot.queues {
            engine.queues.insert(terms.id, terms);
        }
        for (mut profile, standing) in snapshot.agents {
            if let Presence::Leaving { until } = standing.presence {
                engine.timers.set(until, Timer::GraceEnds(profile.id));
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

    /// What [`Engine::restore`] needs, in the order of the ids.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut queues: Vec<_> = self.queues.values().cloned().collect();
        queues.sort_unstable_by_key(|terms| terms.id);
        let mut agents: Vec<_> = self
            .floor
            .seats()
            .map(|seat| (seat.profile.clone(), seat.standing.clone()))
            .collect();
        agents.sort_unstable_by_key(|(profile, _)| profile.id);
        let mut items: Vec<_> = self.items.values().map(|held| held.work.clone()).collect();
        items.sort_unstable_by_key(|work| work.id);
        Snapshot {
            queues,
            agents,
            items,
        }
    }
}
