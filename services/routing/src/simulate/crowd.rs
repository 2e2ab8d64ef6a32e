//! More agents and more waiting work than anybody has yet, to see how long a decision takes.
//!
//! A decision is an input that matches, or shows that there is no match: half of them are agents who come free, a
//! quarter is new work, a quarter customers who hang up and offers that nobody answers. Whoever times them passes the
//! step; every so many decisions a matcher that looks at everything is asked what it would have done.

mod check;
mod people;

use std::time::Duration;

use rapport_foundation::id::{AgentId, OfferId, WorkItemId};
use rapport_foundation::time::Micros;

use super::dice::{Dice, Purpose};
use crate::domain::engine::{Effect, Engine, Input, Settings, Snapshot};
use crate::domain::{Code, Status, WorkState};
pub use check::Mistake;
use people::{People, agent_id};

/// How many there are of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Agents at work.
    pub agents: usize,
    /// Work items that wait.
    pub waiting: usize,
    /// Queues, of which an agent serves 1 to 8.
    pub queues: usize,
    /// Skills, of which an agent holds 5 to 15; the n-th is asked for and held in proportion to 1/n (Zipf's law with
    /// exponent 1).
    pub skills: usize,
    /// How many of them work asks for, from and to.
    pub asked: (usize, usize),
    /// Which part of the work asks for less the longer it waits.
    pub relaxing: f64,
    /// Chance begins here.
    pub seed: u64,
}

/// What a decision was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An agent came free.
    Free,
    /// Work came in.
    Arrival,
    /// A customer hung up.
    HangUp,
    /// Nobody answered an offer in time.
    Expiry,
}

/// How long a decision's worth of time passes between two of them: a hundred thousand decisions a second.
const PACE: Duration = Duration::from_micros(10);
/// One of so many offers is left to lapse.
const UNANSWERED: u64 = 4;

/// Agents, work, and an engine that decides about them.
#[derive(Debug)]
pub struct Crowd {
    people: People,
    engine: Engine,
    dice: Dice,
    now: Micros,
    /// Work that waited when it was last looked at.
    waited: Vec<WorkItemId>,
    accepted: u64,
}

/// Does one step, and may time it; `Some` for one that counts as a decision.
pub type Stepper<'a> = &'a mut dyn FnMut(&mut Engine, Micros, Input, Option<Kind>) -> Vec<Effect>;

impl Crowd {
    /// All that a stopped engine needs to stand before this crowd.
    #[must_use]
    pub fn snapshot(size: Size) -> Snapshot {
        let mut people = People::new(size);
        Snapshot {
            queues: people.queues(),
            agents: people.agents(),
            items: (0..size.waiting)
                .map(|_| people.work(Micros::EPOCH))
                .collect(),
            ..Snapshot::default()
        }
    }

    /// An engine before its crowd, from such a snapshot: rebuilding what it knows is all that it does.
    #[must_use]
    pub fn rebuild(snapshot: Snapshot) -> Engine {
        Engine::restore(Settings::default(), snapshot, people::OPENING)
    }

    /// Everybody comes to work and takes what they can.
    #[must_use]
    pub fn at_work(size: Size, engine: Engine, step: Stepper<'_>) -> Self {
        let mut crowd = Self {
            people: People::after(size),
            engine,
            dice: Dice::of(size.seed, 1, Purpose::Arrival, 0),
            now: people::OPENING,
            waited: Vec::new(),
            accepted: 0,
        };
        for seat in 0..size.agents {
            let agent = agent_id(seat);
            let stream = Input::StreamOpened { agent, stream: 1 };
            step(&mut crowd.engine, crowd.now, stream, None);
            let available = Input::StatusSet {
                agent,
                status: Status::Available,
                reason: None::<Code>,
            };
            step(&mut crowd.engine, crowd.now, available, None);
            crowd.answer(agent, step, true);
        }
        crowd.waited = crowd.engine.waiting_work().map(|work| work.id).collect();
        // The order of a hash table is no order at all.
        crowd.waited.sort_unstable();
        crowd
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets as much work come in as makes up the number again; no decisions that count.
    pub fn top_up(&mut self) {
        while self.engine.waiting() < self.people.size.waiting {
            self.arrive(&mut plain_step, None);
        }
    }

    /// Lets one thing happen, and whatever is due before it; nothing where nobody is busy or waits. `checked`: a matcher that looks at everything is asked.
    ///
    /// # Errors
    /// When that matcher would have decided otherwise.
    pub fn turn(&mut self, step: Stepper<'_>, checked: bool) -> Result<(), Mistake> {
        self.now += PACE;
        while self.engine.next_deadline().is_some_and(|at| at <= self.now) {
            self.tick(step, checked)?;
        }
        match self.dice.even() {
            x if x < 4.0 / 7.0 => self.come_free(step, checked),
            x if x < 6.0 / 7.0 => {
                let effects = self.arrive(step, Some(Kind::Arrival));
                match checked {
                    true => check::arrival(&self.engine, self.now, &effects),
                    false => Ok(()),
                }
            }
            _ => self.hang_up(step),
        }
    }

    /// What is due: offers that lapse, and work that asks for less, which is no decision that counts.
    fn tick(&mut self, step: Stepper<'_>, checked: bool) -> Result<(), Mistake> {
        let at = self.engine.next_deadline().unwrap_or(self.now);
        let lapses = self.engine.offer_lapses_next();
        let kind = lapses.then_some(Kind::Expiry);
        let effects = step(&mut self.engine, at, Input::Tick, kind);
        for agent in offered(&effects) {
            if checked && lapses {
                check::first_of(&self.engine, at, agent, &effects)?;
            }
            self.answer(agent, step, true);
        }
        Ok(())
    }

    fn come_free(&mut self, step: Stepper<'_>, checked: bool) -> Result<(), Mistake> {
        let Some((agent, item)) = self.somebody_busy() else {
            return Ok(());
        };
        let done = Input::WorkCompleted {
            item,
            agent,
            disposition: None,
            skip_wrap_up: true,
        };
        let effects = step(&mut self.engine, self.now, done, Some(Kind::Free));
        if checked {
            check::first_of(&self.engine, self.now, agent, &effects)?;
        }
        self.answer(agent, step, false);
        Ok(())
    }

    fn arrive(&mut self, step: Stepper<'_>, kind: Option<Kind>) -> Vec<Effect> {
        let work = self.people.work(self.now);
        let id = work.id;
        let input = Input::WorkItemQueued(Box::new(work));
        let effects = step(&mut self.engine, self.now, input, kind);
        for agent in offered(&effects) {
            self.answer(agent, step, true);
        }
        if self.waits(id) {
            self.waited.push(id);
        }
        effects
    }

    fn hang_up(&mut self, step: Stepper<'_>) -> Result<(), Mistake> {
        let Some(item) = self.somebody_waiting() else {
            return Ok(());
        };
        let input = Input::WorkItemWithdrawn {
            item,
            abandoned: true,
        };
        step(&mut self.engine, self.now, input, Some(Kind::HangUp));
        match self.engine.item(item) {
            None => Ok(()),
            Some(_) => Err(Mistake::Kept(item)),
        }
    }

    /// The agent takes what they were offered, all of it or all but one in so many.
    fn answer(&mut self, agent: AgentId, step: Stepper<'_>, always: bool) {
        for offer in self.out_to(agent) {
            self.accepted += 1;
            if always || !self.accepted.is_multiple_of(UNANSWERED) {
                step(
                    &mut self.engine,
                    self.now,
                    Input::OfferAccepted { offer, agent },
                    None,
                );
            }
        }
    }

    fn out_to(&self, agent: AgentId) -> Vec<OfferId> {
        let offers = self.engine.held_by(agent).filter_map(|work| work.offer());
        offers.map(|offer| offer.id).collect()
    }

    fn below(&mut self, count: usize) -> usize {
        people::below(&mut self.dice, count)
    }

    /// An agent who has accepted something, and what; nobody when too few are busy to come upon one.
    fn somebody_busy(&mut self) -> Option<(AgentId, WorkItemId)> {
        (0..self.people.size.agents).find_map(|_| {
            let agent = agent_id(self.below(self.people.size.agents));
            let accepted = |state: &WorkState| matches!(state, WorkState::Accepted { .. });
            let item = self
                .engine
                .held_by(agent)
                .find(|work| accepted(&work.state));
            item.map(|work| (agent, work.id))
        })
    }

    fn somebody_waiting(&mut self) -> Option<WorkItemId> {
        while !self.waited.is_empty() {
            let place = self.below(self.waited.len());
            let id = self.waited.swap_remove(place);
            if self.waits(id) {
                return Some(id);
            }
        }
        None
    }

    fn waits(&self, id: WorkItemId) -> bool {
        let item = self.engine.item(id);
        item.is_some_and(|work| work.state == WorkState::Waiting)
    }
}

fn plain_step(engine: &mut Engine, now: Micros, input: Input, _: Option<Kind>) -> Vec<Effect> {
    let effects = engine.step(now, input);
    engine.take_changes();
    effects
}

/// Who was offered something.
fn offered(effects: &[Effect]) -> Vec<AgentId> {
    let agent = |effect: &Effect| match effect {
        Effect::Offered(offer) => Some(offer.agent),
        _ => None,
    };
    let mut agents: Vec<_> = effects.iter().filter_map(agent).collect();
    agents.dedup();
    agents
}
