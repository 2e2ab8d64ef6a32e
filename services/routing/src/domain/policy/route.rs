use std::time::Duration;

use rapport_foundation::id::QueueId;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::relaxation::{Relaxation, eased};
use crate::domain::{Priority, Skills};

/// The way of work from target to target while nobody accepts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Skills that the work itself asks for, wherever it waits.
    pub own: Skills,
    /// The targets, in order.
    pub legs: Vec<Leg>,
    /// Which of them it came to, and when; the last is where it is.
    pub visits: Vec<Visit>,
    /// When the next target holds; none when no other comes, or somebody has accepted the work.
    pub until: Option<Micros>,
}

/// A target, with all that its queue asked for when the work came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Where it waits.
    pub queue: QueueId,
    /// Skills an agent must hold here besides those of the work itself.
    pub skills: Skills,
    /// The priority is raised to this; a higher one stays.
    pub raise_to: Option<Priority>,
    /// How long it waits here before the next target holds; none for ever.
    pub timeout: Option<Duration>,
    /// Passed over while nobody is at work who could take it.
    pub skip_unstaffed: bool,
    /// How it asks for less the longer it waits here; a skill once.
    #[serde(default)]
    pub relaxations: Vec<Relaxation>,
}

/// That work came to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Which.
    pub leg: usize,
    /// When.
    pub at: Micros,
}

impl Route {
    /// Of new work that begins at `leg`.
    #[must_use]
    pub fn new(own: Skills, legs: Vec<Leg>, leg: usize, now: Micros) -> Self {
        let mut route = Self {
            own,
            legs,
            visits: Vec::new(),
            until: None,
        };
        route.enter(leg, now);
        route
    }

    /// Which target holds.
    #[must_use]
    pub fn place(&self) -> usize {
        self.visits.last().map_or(0, |visit| visit.leg)
    }

    /// The target that holds.
    #[must_use]
    pub fn leg(&self) -> Option<&Leg> {
        self.legs.get(self.place())
    }

    /// Comes to a target.
    pub fn enter(&mut self, leg: usize, now: Micros) {
        self.visits.push(Visit { leg, at: now });
        self.wait(now);
    }

    /// Begins to wait at the target that holds.
    pub fn wait(&mut self, now: Micros) {
        let goes_on = self.place() + 1 < self.legs.len();
        let timeout = self.leg().and_then(|leg| leg.timeout);
        self.until = timeout.filter(|_| goes_on).map(|timeout| now + timeout);
    }

    /// What an agent must hold for it where it is.
    #[must_use]
    pub fn skills(&self) -> Skills {
        let own = self.own.clone();
        match self.leg() {
            Some(leg) => own.and(&leg.skills),
            None => own,
        }
    }

    /// Since when it is where it is.
    #[must_use]
    pub fn since(&self) -> Micros {
        self.visits.last().map_or(Micros::EPOCH, |visit| visit.at)
    }

    /// What is left at `now` of the skills it asks for where it is, and when it is next less. None when nothing is
    /// ever less there.
    #[must_use]
    pub fn eased(&self, skills: &Skills, now: Micros) -> Option<(Skills, Option<Micros>)> {
        let leg = self.leg().filter(|leg| !leg.relaxations.is_empty())?;
        let (eased, next) = eased(&leg.relaxations, skills, now - self.since());
        Some((eased, next.map(|wait| self.since() + wait)))
    }

    /// How urgent it is where it is, when it was so urgent before.
    #[must_use]
    pub fn priority(&self, before: Priority) -> Priority {
        let raised = self.leg().and_then(|leg| leg.raise_to);
        raised.map_or(before, |raised| raised.max(before))
    }
}
