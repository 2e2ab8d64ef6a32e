//! What the engine decided, and what the world makes of it.

use std::time::Duration;

use super::{Driver, Event, Router};
use crate::domain::engine::{Effect, Input};
use crate::domain::{Offer, Status};
use crate::simulate::dice::Purpose;
use crate::simulate::house::{micros_between, number_of, seat_of};
use crate::simulate::law::micros;

impl<R: Router> Driver<'_, R> {
    pub(super) fn heed(&mut self, effect: &Effect) {
        match effect {
            Effect::Queued { item } => {
                if let Some(customer) = self.house.customers.get(&number_of(*item)) {
                    self.house.lengthen(self.now, customer.demand, true);
                }
            }
            Effect::Offered(offer) => self.offered(*offer),
            Effect::OfferEnded { offer, .. } => self.offer_ended(offer),
            Effect::Accepted { offer, wait } => self.accepted(offer, *wait),
            Effect::Abandoned { item, wait } => self.abandoned(number_of(*item), *wait),
            Effect::WrapUpStarted { item, .. } => {
                if let Some(customer) = self.house.customers.get_mut(&number_of(*item)) {
                    customer.handled = Some(self.now);
                }
            }
            Effect::Completed {
                item,
                agent,
                handle,
                ..
            } => self.completed(number_of(*item), seat_of(*agent), *handle),
            Effect::StatusChanged { agent, status, .. } => {
                if *status == Status::NotResponding {
                    let seat = seat_of(*agent);
                    self.house.attend(self.now, seat, false);
                    let back = self.scenario.teams[self.house.seats[seat].team].back;
                    self.plan_at(self.now + back, Event::BackAgain(seat));
                }
            }
            // Nobody withdraws work here or hands it on, and nobody's stream breaks.
            Effect::Withdrawn { .. }
            | Effect::Released { .. }
            | Effect::HandedOn { .. }
            | Effect::WorkChanged { .. }
            | Effect::Commanded { .. }
            | Effect::Refused(_) => {}
        }
    }

    fn offered(&mut self, offer: Offer) {
        let number = number_of(offer.item);
        let Some(customer) = self.house.customers.get_mut(&number) else {
            return;
        };
        customer.offer = Some(offer);
        customer.offers += 1;
        let (demand, nth, turn) = (customer.demand, customer.nth, customer.offers);
        let seat = seat_of(offer.agent);
        self.house.lengthen(self.now, demand, false);
        self.house.hand(self.now, seat, demand, true);
        match &self.scenario.teams[self.house.seats[seat].team].answer {
            None => {
                self.act(Input::OfferAccepted {
                    offer: offer.id,
                    agent: offer.agent,
                });
            }
            Some(law) => {
                // A customer who is offered again meets another answer; 64 are more than anybody sees.
                let draw = nth * 64 + turn.min(64) - 1;
                let delay = micros(law.draw_s(&mut self.dice(demand, Purpose::Answer, draw)));
                self.plan_in(delay, Event::Answered(number, offer.id));
            }
        }
    }

    /// The customer is back in the queue; who left leaves it in the same moment.
    fn offer_ended(&mut self, offer: &Offer) {
        let Some(customer) = self.house.customers.get_mut(&number_of(offer.item)) else {
            return;
        };
        customer.offer = None;
        let demand = customer.demand;
        self.house
            .hand(self.now, seat_of(offer.agent), demand, false);
        self.house.lengthen(self.now, demand, true);
    }

    fn accepted(&mut self, offer: &Offer, told: Duration) {
        let number = number_of(offer.item);
        let Some(customer) = self.house.customers.get_mut(&number) else {
            return;
        };
        customer.offer = None;
        customer.accepted = Some(self.now);
        // Who handles them is known now.
        let seat = seat_of(offer.agent);
        let factor = self.scenario.teams[self.house.seats[seat].team].handle_factor;
        customer.handle = stretched(customer.handle, factor);
        let (demand, batch, handle) = (customer.demand, customer.batch, customer.handle);
        let wait = micros_between(customer.arrived, self.now);
        if told != Duration::from_micros(wait) {
            self.house.tally.exact.told += 1;
        }
        if let Some(batch) = batch {
            let queue = &self.scenario.queues[self.scenario.demands[demand].queue];
            let in_time = Duration::from_micros(wait) <= queue.target;
            self.house.tally.served[demand][batch].answer(wait, in_time);
            self.house.unsettled -= 1;
        }
        self.plan_in(handle, Event::HandlingEnds(number, seat));
    }

    fn abandoned(&mut self, number: u64, told: Duration) {
        let Some(customer) = self.house.customers.remove(&number) else {
            return;
        };
        self.house.lengthen(self.now, customer.demand, false);
        let wait = micros_between(customer.arrived, self.now);
        if told != Duration::from_micros(wait) {
            self.house.tally.exact.told += 1;
        }
        if let Some(batch) = customer.batch {
            let queue = &self.scenario.queues[self.scenario.demands[customer.demand].queue];
            let short = Duration::from_micros(wait) <= queue.short_abandon
                && !queue.short_abandon.is_zero();
            self.house.tally.served[customer.demand][batch].abandon(wait, short);
            self.house.unsettled -= 1;
        }
    }

    fn completed(&mut self, number: u64, seat: usize, told: Duration) {
        let Some(customer) = self.house.customers.remove(&number) else {
            return;
        };
        self.house.hand(self.now, seat, customer.demand, false);
        let (Some(accepted), queue) = (
            customer.accepted,
            self.scenario.demands[customer.demand].queue,
        ) else {
            self.house.tally.exact.told += 1;
            return;
        };
        let handled = customer.handled.unwrap_or(self.now);
        if self.now - handled != self.scenario.queues[queue].wrap_up {
            self.house.tally.exact.wrap_ups += 1;
        }
        if self.now - accepted != told || micros_between(accepted, handled) != customer.handle {
            self.house.tally.exact.told += 1;
        }
        if let Some(batch) = customer.batch {
            let served = &mut self.house.tally.served[customer.demand][batch];
            served.handle(micros_between(accepted, self.now));
        }
    }
}

/// So many times as long; once is exactly as long.
fn stretched(as_drawn: u64, factor: f64) -> u64 {
    if factor == 1.0 {
        as_drawn
    } else {
        micros(as_drawn as f64 / 1e6 * factor)
    }
}
