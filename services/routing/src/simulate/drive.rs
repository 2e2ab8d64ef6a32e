//! The virtual clock.

mod effects;
mod staff;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rapport_foundation::id::OfferId;
use rapport_foundation::time::Micros;

use super::arrivals::DAY;
use super::dice::{Dice, Purpose, stream};
use super::house::{Customer, House, agent_id, item_id, micros_between, profile, terms, work};
use super::law::micros;
use super::scenario::{Scenario, Shift};
use super::tally::Tally;
use crate::domain::Offer;
use crate::domain::engine::{Effect, Engine, Input, Refusal};

/// How many events pass between two times that the engine is asked to forget what a store would have been told.
const FORGET_EVERY: u64 = 256;

/// What is driven: the engine; in tests, one that was broken on purpose.
pub trait Router {
    /// Decides.
    fn step(&mut self, now: Micros, input: Input) -> Vec<Effect>;
    /// When it wants to be woken.
    fn next_deadline(&self) -> Option<Micros>;
    /// Forgets what a store would have been told.
    fn forget_changes(&mut self);
}

impl Router for Engine {
    fn step(&mut self, now: Micros, input: Input) -> Vec<Effect> {
        Engine::step(self, now, input)
    }

    fn next_deadline(&self) -> Option<Micros> {
        Engine::next_deadline(self)
    }

    fn forget_changes(&mut self) {
        self.take_changes();
    }
}

/// One run of a scenario with the engine.
#[must_use]
pub fn simulate(scenario: &Scenario, seed: u64) -> Tally {
    drive(scenario, seed, Engine::new(scenario.settings))
}

/// One run of a scenario with any router.
#[must_use]
pub fn drive(scenario: &Scenario, seed: u64, router: impl Router) -> Tally {
    let mut driver = Driver::new(scenario, seed, router);
    driver.open_the_house();
    while driver.advance() {}
    driver.house.tally.still_waiting = driver.house.unsettled;
    driver.house.tally
}

/// What happens by time alone.
#[derive(Clone, Copy, Debug)]
enum Event {
    Arrival(usize),
    PatienceEnds(u64),
    Answered(u64, OfferId),
    HandlingEnds(u64, usize),
    ShiftBegins(usize, Shift),
    ShiftEnds(usize, Shift),
    BackAgain(usize),
    BatchEnds,
}

/// An event and when it comes; what comes at the same moment comes in the order in which it was planned.
#[derive(Clone, Copy, Debug)]
struct Due(Reverse<(Micros, u64)>, Event);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

struct Driver<'a, R> {
    scenario: &'a Scenario,
    seed: u64,
    streams: Vec<u64>,
    router: R,
    house: House<'a>,
    now: Micros,
    plan: BinaryHeap<Due>,
    planned: u64,
    events: u64,
    /// How many came, of each demand and in all.
    came: Vec<u64>,
    numbers: u64,
}

impl<'a, R: Router> Driver<'a, R> {
    fn new(scenario: &'a Scenario, seed: u64, router: R) -> Self {
        Self {
            scenario,
            seed,
            streams: scenario.demands.iter().map(|d| stream(&d.code)).collect(),
            router,
            house: House::new(scenario, seed),
            now: Micros::EPOCH,
            plan: BinaryHeap::new(),
            planned: 0,
            events: 0,
            came: vec![0; scenario.demands.len()],
            numbers: 0,
        }
    }

    fn open_the_house(&mut self) {
        for terms in terms(self.scenario) {
            self.act(Input::QueueChanged(terms));
        }
        for seat in 0..self.house.seats.len() {
            let profile = profile(self.scenario, seat, self.house.seats[seat].team);
            self.act(Input::AgentChanged(profile));
        }
        for (team, setting) in self.scenario.teams.iter().enumerate() {
            if setting.shifts.is_empty() || setting.shifts.iter().any(|shift| shift.holds(0)) {
                self.team_comes(team);
            }
            for shift in &setting.shifts {
                self.plan_clock(shift.from, Event::ShiftBegins(team, *shift));
                self.plan_clock(shift.to, Event::ShiftEnds(team, *shift));
            }
        }
        for demand in 0..self.scenario.demands.len() {
            self.plan_arrival(demand);
        }
        let first = Micros::EPOCH + self.scenario.run.warm_up;
        self.plan_at(first, Event::BatchEnds);
    }

    /// Goes on to what comes next: what the engine waits for, or what the world does. What is due to the engine at
    /// the same moment is first, as it is in every step of the engine.
    fn advance(&mut self) -> bool {
        let planned = self.plan.peek().map(|due| due.0.0.0);
        let deadline = self.router.next_deadline();
        let asked = deadline.filter(|at| planned.is_none_or(|other| *at <= other));
        if let Some(at) = asked {
            self.now = self.now.max(at);
            self.act(Input::Tick);
        } else if let Some(Due(Reverse((at, _)), event)) = self.plan.pop() {
            self.now = at;
            self.happen(event);
        } else {
            return false;
        }
        self.events += 1;
        if self.events.is_multiple_of(FORGET_EVERY) {
            self.router.forget_changes();
        }
        !self.is_over()
    }

    /// Over when everybody who is counted has been answered or has left. In a house that cannot keep up some never
    /// would: one batch more is enough waiting.
    fn is_over(&self) -> bool {
        let run = &self.scenario.run;
        let end = Micros::EPOCH + run.warm_up + run.batch * run.batches;
        self.now > end && (self.house.unsettled == 0 || self.now > end + run.batch)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrival(demand) => self.arrive(demand),
            Event::PatienceEnds(number) => self.leave(number),
            Event::Answered(number, offer) => self.answer(number, offer),
            Event::HandlingEnds(number, seat) => {
                self.act(Input::WorkCompleted {
                    item: item_id(number),
                    agent: agent_id(seat),
                    disposition: None,
                    skip_wrap_up: false,
                });
            }
            Event::ShiftBegins(team, shift) => {
                self.team_comes(team);
                self.plan_clock(shift.from, event);
            }
            Event::ShiftEnds(team, shift) => {
                // Where one shift follows upon another, the team stays.
                let clock = micros_between(Micros::EPOCH, self.now) % DAY;
                let shifts = &self.scenario.teams[team].shifts;
                if !shifts.iter().any(|other| other.holds(clock)) {
                    self.team_goes(team);
                }
                self.plan_clock(shift.to, event);
            }
            Event::BackAgain(seat) => {
                if self.is_on_shift(seat) {
                    self.comes(seat);
                }
            }
            Event::BatchEnds => self.end_batch(),
        }
    }

    fn end_batch(&mut self) {
        let run = &self.scenario.run;
        let next = self.house.batch.map_or(0, |batch| batch + 1);
        let goes_on = next < run.batches as usize;
        self.house.turn_over(self.now, goes_on.then_some(next));
        if goes_on {
            self.plan_at(self.now + run.batch, Event::BatchEnds);
        }
    }

    fn arrive(&mut self, demand: usize) {
        let setting = &self.scenario.demands[demand];
        let (number, nth) = (self.numbers, self.came[demand]);
        self.numbers += 1;
        self.came[demand] += 1;
        let handle = setting.arrivals.handle(nth).unwrap_or_else(|| {
            let mut dice = self.dice(demand, Purpose::Handling, nth);
            micros(setting.handle.draw_s(&mut dice))
        });
        let customer = Customer {
            demand,
            nth,
            arrived: self.now,
            handle,
            batch: self.house.batch,
            offer: None,
            offers: 0,
            accepted: None,
            handled: None,
        };
        if let Some(batch) = customer.batch {
            self.house.tally.served[demand][batch].came += 1;
            self.house.unsettled += 1;
        }
        self.house.customers.insert(number, customer);
        let work = work(self.scenario, demand, number, self.now);
        if self.act(Input::WorkItemQueued(Box::new(work))) == Some(Refusal::QueueFull) {
            self.turn_away(number);
        } else {
            self.wait(number);
        }
        self.plan_arrival(demand);
    }

    fn turn_away(&mut self, number: u64) {
        let Some(customer) = self.house.customers.remove(&number) else {
            return;
        };
        if let Some(batch) = customer.batch {
            self.house.unsettled -= 1;
            self.house.tally.served[customer.demand][batch].blocked += 1;
        }
    }

    fn wait(&mut self, number: u64) {
        let Some(customer) = self.house.customers.get(&number) else {
            return;
        };
        if customer.accepted.is_some() {
            return;
        }
        let (demand, nth) = (customer.demand, customer.nth);
        if let Some(batch) = customer.batch.filter(|_| customer.offers == 0) {
            self.house.tally.served[demand][batch].delayed += 1;
        }
        if let Some(patience) = &self.scenario.demands[demand].patience {
            let mut dice = self.dice(demand, Purpose::Patience, nth);
            let patience = micros(patience.draw_s(&mut dice));
            self.plan_in(patience, Event::PatienceEnds(number));
        }
    }

    fn leave(&mut self, number: u64) {
        let waits = |customer: &Customer| customer.accepted.is_none();
        if self.house.customers.get(&number).is_some_and(waits) {
            self.act(Input::WorkItemWithdrawn {
                item: item_id(number),
                abandoned: true,
            });
        }
    }

    fn answer(&mut self, number: u64, offer: OfferId) {
        let Some(customer) = self.house.customers.get(&number) else {
            return;
        };
        // The offer may have lapsed in between, or the customer have gone.
        if let Some(Offer { agent, .. }) = customer.offer.filter(|out| out.id == offer) {
            self.act(Input::OfferAccepted { offer, agent });
        }
    }

    /// Gives the engine an input and looks at what it makes of it. Says whether the input was refused.
    fn act(&mut self, input: Input) -> Option<Refusal> {
        let mut refused = None;
        for effect in self.router.step(self.now, input) {
            match effect {
                Effect::Refused(refusal) => refused = Some(refusal),
                effect => self.heed(&effect),
            }
        }
        // A full queue is an answer; an offer may lapse at the moment it is answered. Nothing else that is asked here
        // is impossible.
        if !matches!(
            refused,
            None | Some(Refusal::QueueFull | Refusal::OfferNotOut)
        ) {
            self.house.tally.exact.refused += 1;
        }
        refused
    }

    const fn dice(&self, demand: usize, purpose: Purpose, nth: u64) -> Dice {
        Dice::of(self.seed, self.streams.as_slice()[demand], purpose, nth)
    }

    fn plan_arrival(&mut self, demand: usize) {
        let nth = self.came[demand];
        let mut dice = self.dice(demand, Purpose::Arrival, nth);
        let arrivals = &self.scenario.demands[demand].arrivals;
        if let Some(at) = arrivals.next(self.now, nth, &mut dice) {
            self.plan_at(at, Event::Arrival(demand));
        }
    }

    fn plan_clock(&mut self, clock: u64, event: Event) {
        let next = Shift::next(clock, micros_between(Micros::EPOCH, self.now));
        self.plan_at(Micros::EPOCH + Duration::from_micros(next), event);
    }

    fn plan_in(&mut self, micros: u64, event: Event) {
        self.plan_at(self.now + Duration::from_micros(micros), event);
    }

    fn plan_at(&mut self, at: Micros, event: Event) {
        self.planned += 1;
        self.plan.push(Due(Reverse((at, self.planned)), event));
    }
}
