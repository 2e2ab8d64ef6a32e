//! Engines that are broken on purpose: the suite has to tell.

use std::collections::HashMap;
use std::time::Duration;

use rapport_foundation::id::WorkItemId;
use rapport_foundation::time::Micros;

use crate::domain::Priority;
use crate::domain::engine::{Effect, Engine, Input, Settings};
use crate::simulate::Router;
use crate::simulate::house::agent_id;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    LastInFirstOut,
    PriorityIgnored,
    OneNeverOffered,
    WrapUpTooLong,
}

/// The engine behind a wall that turns what goes in, and turns back what comes out, so that only its decisions are
/// wrong and not what it tells of them.
pub(super) struct Broken {
    flaw: Flaw,
    engine: Engine,
    came: HashMap<WorkItemId, Micros>,
}

impl Broken {
    pub(super) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            engine: Engine::new(Settings::default()),
            came: HashMap::new(),
        }
    }

    fn turn(&mut self, now: Micros, input: Input) -> Input {
        match (self.flaw, input) {
            (Flaw::LastInFirstOut, Input::WorkItemQueued(mut work)) => {
                self.came.insert(work.id, now);
                // The later one comes, the older one seems.
                work.queued_at = Micros(-now.0);
                Input::WorkItemQueued(work)
            }
            (Flaw::PriorityIgnored, Input::WorkItemQueued(mut work)) => {
                work.priority = Priority::Normal;
                Input::WorkItemQueued(work)
            }
            (Flaw::OneNeverOffered, Input::StatusSet { agent, .. }) if agent == agent_id(0) => {
                Input::Tick
            }
            (Flaw::WrapUpTooLong, Input::QueueChanged(mut terms)) => {
                terms.wrap_up = terms.wrap_up * 101 / 100;
                Input::QueueChanged(terms)
            }
            (_, input) => input,
        }
    }

    fn turn_back(&self, now: Micros, effect: &mut Effect) {
        let (item, wait) = match effect {
            Effect::Accepted { offer, wait } => (offer.item, wait),
            Effect::Abandoned { item, wait } => (*item, wait),
            _ => return,
        };
        if let Some(came) = self.came.get(&item) {
            *wait = Duration::from_micros((now.0 - came.0).unsigned_abs());
        }
    }
}

impl Router for Broken {
    fn step(&mut self, now: Micros, input: Input) -> Vec<Effect> {
        let input = self.turn(now, input);
        let mut effects = self.engine.step(now, input);
        for effect in &mut effects {
            self.turn_back(now, effect);
        }
        effects
    }

    fn next_deadline(&self) -> Option<Micros> {
        self.engine.next_deadline()
    }

    fn forget_changes(&mut self) {
        self.engine.take_changes();
    }
}
