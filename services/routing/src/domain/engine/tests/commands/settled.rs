//! Contacts whose matter is settled while they wait with nobody.

use super::super::desk::*;
use super::{accept, call, calling, commanded, hand_on, told};
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::Input;
use crate::domain::{OfferEnd, WorkItem};

#[test]
fn what_was_handed_on_and_waits_with_nobody_is_hung_up() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    hand_on(&mut desk, 2);
    let settled = desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(told(&settled), [(2, CommandKind::HangUp, None)]);
    assert!(desk.engine.item(item(2)).is_none());
    // It is over once.
    let again = desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(told(&again), []);
}

#[test]
fn what_is_put_before_somebody_is_hung_up_and_they_are_free() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    desk.hire(profile(2, &[1], &[]));
    let handed_on = hand_on(&mut desk, 2);
    let offer = offers(&handed_on)[0];
    let settled = desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(told(&settled), [(2, CommandKind::HangUp, None)]);
    assert_eq!(ends(&settled), [(offer.id, OfferEnd::Withdrawn)]);
}

#[test]
fn nobody_is_hung_up_who_left_who_is_to_be_called_or_of_whom_nothing_was_told() {
    let mut desk = calling(3);
    let settled = desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(told(&settled), [], "they hung up to be called");
    desk.queue(call(&desk, 2));
    let settled = desk.step(Input::TicketSettled(ticket(2)));
    assert_eq!(told(&settled), [], "no agent ever took it");
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    hand_on(&mut desk, 2);
    let left = desk.step(Input::WorkItemWithdrawn {
        item: item(2),
        abandoned: true,
    });
    assert_eq!(told(&left), []);
}

#[test]
fn who_is_asked_and_has_not_accepted_has_no_contact_to_be_hung_up() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let consult = WorkItem {
        ticket: ticket(1),
        ..work(9, 1, desk.now)
    };
    desk.step(Input::ConsultStarted {
        item: item(1),
        agent: agent(1),
        consult: Box::new(consult),
    });
    let settled = desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(told(&settled), []);
    assert!(desk.engine.item(item(9)).is_none());
}

#[test]
fn who_is_to_be_called_is_so_too_for_who_was_asked() {
    let mut desk = calling(3);
    desk.hire(profile(1, &[1], &[]));
    desk.hire(profile(2, &[1], &[]));
    desk.accept(desk.offer_for(1).unwrap());
    let consult = WorkItem {
        ticket: ticket(1),
        ..work(9, 1, desk.now)
    };
    let asked = desk.step(Input::ConsultStarted {
        item: item(1),
        agent: agent(1),
        consult: Box::new(consult),
    });
    accept(&mut desk, &asked);
    let callback = desk.engine.item(item(1)).unwrap().callback();
    desk.step(Input::TransferCompleted {
        item: item(1),
        agent: agent(1),
        disposition: None,
        skip_wrap_up: true,
    });
    assert_eq!(desk.engine.item(item(9)).unwrap().callback(), callback);
}
