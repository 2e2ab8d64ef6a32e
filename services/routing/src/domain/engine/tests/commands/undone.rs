//! What connectors could not do with contacts that stay with their agents.

use std::time::Duration;

use super::super::desk::*;
use super::{accept, call, commanded, told};
use crate::domain::WorkItem;
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::{Effect, Input, Refusal};

fn hold(desk: &mut Desk, hold: bool) -> Vec<Effect> {
    let (id, ana) = (item(1), agent(1));
    desk.step(match hold {
        true => Input::WorkHeld {
            item: id,
            agent: ana,
        },
        false => Input::WorkResumed {
            item: id,
            agent: ana,
        },
    })
}

fn not_done(desk: &mut Desk, kind: CommandKind, seconds: u64) -> Vec<Effect> {
    desk.step(Input::NotDone {
        item: item(1),
        agent: agent(1),
        kind,
        at: secs(seconds),
    })
}

/// Agent 1 has call 1 in hand.
fn in_hand(agents: u128) -> Desk {
    let mut desk = commanded(agents, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    desk
}

fn changed(effects: &[Effect]) -> Vec<(u128, u128)> {
    let changed = |effect: &Effect| match effect {
        Effect::WorkChanged { item, agent } => {
            Some((item.uuid().as_u128(), agent.uuid().as_u128()))
        }
        _ => None,
    };
    effects.iter().filter_map(changed).collect()
}

#[test]
fn a_contact_that_is_not_put_on_hold_may_be_again() {
    let mut desk = in_hand(1);
    desk.now = secs(10);
    hold(&mut desk, true);
    desk.now = secs(12);
    let failed = not_done(&mut desk, CommandKind::Hold, 10);
    assert_eq!(changed(&failed), [(1, 1)]);
    let work = desk.engine.item(item(1)).unwrap();
    assert_eq!(work.passage.as_deref().unwrap().held, Duration::ZERO);
    let again = hold(&mut desk, true);
    assert_eq!(told(&again), [(1, CommandKind::Hold, Some(1))]);
    // Of an earlier one nothing changes.
    assert_eq!(not_done(&mut desk, CommandKind::Hold, 10), []);
    assert_eq!(
        desk.engine.item(item(1)).unwrap().held_since(),
        Some(secs(12))
    );
}

#[test]
fn a_contact_that_is_not_taken_from_hold_is_on_hold_all_the_time() {
    let mut desk = in_hand(1);
    desk.now = secs(10);
    hold(&mut desk, true);
    desk.now = secs(20);
    hold(&mut desk, false);
    desk.now = secs(25);
    not_done(&mut desk, CommandKind::Resume, 20);
    desk.now = secs(30);
    let again = hold(&mut desk, false);
    assert_eq!(told(&again), [(1, CommandKind::Resume, Some(1))]);
    let work = desk.engine.item(item(1)).unwrap();
    let held = work.passage.as_deref().unwrap().held;
    assert_eq!(held, Duration::from_secs(20));
}

#[test]
fn who_cannot_be_brought_together_may_try_again_and_the_customer_is_on_hold_still() {
    let mut desk = in_hand(2);
    desk.now = secs(10);
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
    let together = |desk: &mut Desk| {
        desk.step(Input::ConferenceStarted {
            item: item(1),
            agent: agent(1),
        })
    };
    desk.now = secs(20);
    together(&mut desk);
    desk.now = secs(21);
    let failed = not_done(&mut desk, CommandKind::Conference, 20);
    assert_eq!(changed(&failed), [(1, 1), (9, 2)]);
    let work = desk.engine.item(item(1)).unwrap();
    assert!(!work.passage.as_deref().unwrap().conference);
    assert_eq!(work.held_since(), Some(secs(20)));
    let again = together(&mut desk);
    assert_eq!(told(&again), [(1, CommandKind::Conference, Some(2))]);
    // Who was not on hold is not afterwards.
    not_done(&mut desk, CommandKind::Conference, 21);
    hold(&mut desk, false);
    together(&mut desk);
    not_done(&mut desk, CommandKind::Conference, 21);
    assert_eq!(desk.engine.item(item(1)).unwrap().held_since(), None);
}

#[test]
fn who_has_given_it_away_has_nothing_that_is_as_it_was() {
    let mut desk = in_hand(1);
    hold(&mut desk, true);
    desk.complete(item(1), agent(1));
    let late = not_done(&mut desk, CommandKind::Hold, 1);
    assert_eq!(late, [Effect::Refused(Refusal::ContactOver)]);
}
