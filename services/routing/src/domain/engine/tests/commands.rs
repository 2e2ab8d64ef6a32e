//! What connectors are told to do with contacts.

mod settled;
mod undone;

use std::time::Duration;

use super::desk::*;
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::{Effect, Engine, Input, Refusal, Settings, Terms};
use crate::domain::{Priority, Skills, Status, WorkItem, WorkState};

fn told(effects: &[Effect]) -> Vec<(WorkItemNumber, CommandKind, Option<u128>)> {
    let command = |effect: &Effect| match effect {
        Effect::Commanded {
            item, kind, agent, ..
        } => Some((
            item.uuid().as_u128(),
            *kind,
            agent.map(|agent| agent.uuid().as_u128()),
        )),
        _ => None,
    };
    effects.iter().filter_map(command).collect()
}

type WorkItemNumber = u128;

/// A desk whose queue is commanded, and agents who may let some offers lapse.
fn commanded(agents: u128, lapses: u32) -> Desk {
    let mut desk = Desk::with_agents(agents);
    desk.step(Input::QueueChanged(Terms {
        commanded: true,
        max_lapsed_offers: lapses,
        ..terms(1)
    }));
    desk
}

fn call(desk: &Desk, n: u128) -> WorkItem {
    let mut call = work(n, 1, desk.now);
    call.pass(|passage| passage.connector = Some("pbx".into()));
    call
}

fn accept(desk: &mut Desk, effects: &[Effect]) -> Vec<Effect> {
    let offer = offers(effects)[0];
    desk.accept(offer)
}

fn not_connected(desk: &mut Desk, n: u128, unreachable: bool) -> Vec<Effect> {
    let WorkState::Accepted { agent, at } = desk.engine.item(item(n)).unwrap().state else {
        panic!("nobody accepted it");
    };
    desk.step(Input::NotConnected {
        item: item(n),
        agent,
        at,
        unreachable,
    })
}

#[test]
fn a_contact_is_connected_held_and_hung_up_and_others_are_left_alone() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    assert_eq!(
        told(&accept(&mut desk, &made)),
        [(1, CommandKind::Connect, Some(1))]
    );
    let (id, ana) = (item(1), agent(1));
    let held = desk.step(Input::WorkHeld {
        item: id,
        agent: ana,
    });
    assert_eq!(told(&held), [(1, CommandKind::Hold, Some(1))]);
    let resumed = desk.step(Input::WorkResumed {
        item: id,
        agent: ana,
    });
    assert_eq!(told(&resumed), [(1, CommandKind::Resume, Some(1))]);
    let over = desk.complete(id, ana);
    assert_eq!(told(&over), [(1, CommandKind::HangUp, Some(1))]);
    let later = desk.pass_until(secs(600));
    assert_eq!(told(&later), []);
    // No connector holds it.
    let made = desk.queue(work(2, 1, desk.now));
    assert_eq!(told(&accept(&mut desk, &made)), []);
    assert_eq!(told(&desk.complete(item(2), ana)), []);
}

#[test]
fn what_is_over_is_not_hung_up() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    // That its ticket is taken up again brings nobody back.
    desk.step(Input::TicketReopened(ticket(1)));
    assert!(desk.engine.item(item(1)).unwrap().settled);
    assert_eq!(told(&desk.complete(item(1), agent(1))), []);
}

#[test]
fn a_contact_that_cannot_be_connected_goes_back_to_its_place_and_to_others() {
    let mut desk = commanded(2, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    desk.now = secs(9);
    let queued_at = desk.engine.item(item(1)).unwrap().queued_at;
    let effects = not_connected(&mut desk, 1, false);
    let made = offers(&effects);
    assert_eq!(made.first().map(|offer| offer.agent), Some(agent(2)));
    assert_eq!(desk.engine.item(item(1)).unwrap().queued_at, queued_at);
    assert_eq!(told(&effects), [], "it waits still");
    let standing = desk.engine.standing(agent(1)).unwrap();
    assert_eq!(standing.status, Status::Available, "it was not their fault");
    assert_eq!(
        told(&desk.accept(made[0])),
        [(1, CommandKind::Connect, Some(2))]
    );
}

#[test]
fn who_cannot_be_reached_too_often_takes_no_work_and_who_is_reached_begins_anew() {
    let mut desk = commanded(1, 2);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let lapsed = |desk: &Desk| desk.engine.standing(agent(1)).unwrap().lapsed_offers;
    not_connected(&mut desk, 1, true);
    assert_eq!(lapsed(&desk), 1);
    let until = desk.now + Duration::from_secs(30);
    let made = desk.pass_until(until);
    accept(&mut desk, &made);
    assert_eq!(lapsed(&desk), 1, "accepting alone answers nothing");
    let WorkState::Accepted { at, .. } = desk.engine.item(item(1)).unwrap().state else {
        panic!("nobody accepted it");
    };
    let (id, ana) = (item(1), agent(1));
    desk.step(Input::Connected {
        item: id,
        agent: ana,
        at,
    });
    assert_eq!(lapsed(&desk), 0);
    desk.complete(id, ana);
    desk.pass_until(secs(600));
    for (n, expected) in [(2, Status::Available), (3, Status::NotResponding)] {
        let made = desk.queue(call(&desk, n));
        accept(&mut desk, &made);
        not_connected(&mut desk, n, true);
        assert_eq!(desk.engine.standing(agent(1)).unwrap().status, expected);
        desk.step(Input::WorkItemWithdrawn {
            item: item(n),
            abandoned: false,
        });
    }
}

/// Call 1 waits, and its customer has hung up to be called so often.
fn calling(attempts: u16) -> Desk {
    let mut desk = commanded(0, 1);
    desk.queue(call(&desk, 1));
    let asked = desk.step(Input::CallbackRequested {
        item: item(1),
        attempts,
        pause: Duration::from_secs(120),
        not_before: None,
    });
    assert_eq!(asked, []);
    let left = desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    assert_eq!(left, [], "they hung up to be called");
    desk
}

fn not_called(desk: &mut Desk) -> Vec<Effect> {
    let WorkState::Accepted { agent, at } = desk.engine.item(item(1)).unwrap().state else {
        panic!("nobody accepted it");
    };
    desk.step(Input::NotCalled {
        item: item(1),
        agent,
        at,
    })
}

#[test]
fn nobody_is_called_before_the_house_opens() {
    let mut desk = commanded(1, 1);
    desk.queue(call(&desk, 1));
    let opens = desk.now + Duration::from_secs(900);
    let asked = desk.step(Input::CallbackRequested {
        item: item(1),
        attempts: 2,
        pause: Duration::from_secs(120),
        not_before: Some(opens),
    });
    assert_eq!(ends(&asked).len(), 1, "it was offered to somebody");
    assert_eq!(desk.pass_until(opens - Duration::from_secs(1)), []);
    let effects = desk.pass_until(opens);
    assert_eq!(offers(&effects).len(), 1);
}

#[test]
fn who_hangs_up_to_be_called_keeps_their_place_and_is_called_when_somebody_accepts() {
    let mut desk = calling(3);
    desk.now = secs(50);
    desk.queue(call(&desk, 2));
    desk.hire(profile(1, &[1], &[]));
    let offer = desk.offer_for(1).unwrap();
    assert_eq!(
        told(&desk.accept(offer)),
        [(1, CommandKind::CallBack, Some(1))]
    );
    let (id, ana) = (item(1), agent(1));
    let at = desk.now;
    desk.step(Input::Connected {
        item: id,
        agent: ana,
        at,
    });
    // They are on the line: when they hang up now, it is over.
    desk.step(Input::WorkItemWithdrawn {
        item: id,
        abandoned: true,
    });
    assert!(desk.engine.item(id).unwrap().settled);
    assert_eq!(told(&desk.complete(id, ana)), []);
}

#[test]
fn who_was_reached_for_somebody_who_went_is_not_called_again() {
    let mut desk = calling(3);
    desk.hire(profile(1, &[1], &[]));
    desk.accept(desk.offer_for(1).unwrap());
    desk.step(Input::WorkReleased {
        item: item(1),
        to: None,
    });
    desk.step(Input::Called { item: item(1) });
    desk.hire(profile(2, &[1], &[]));
    let offer = desk.offer_for(1).unwrap();
    assert_eq!(
        told(&desk.accept(offer)),
        [(1, CommandKind::Connect, Some(2))]
    );
}

#[test]
fn who_is_to_be_called_is_called_from_whatever_queue() {
    let mut desk = calling(3);
    desk.step(Input::QueueChanged(terms(2)));
    desk.step(Input::WorkMoved {
        item: item(1),
        queue: queue(2),
        skills: Skills::new(),
        priority: Priority::Normal,
    });
    desk.hire(profile(1, &[2], &[]));
    let offer = desk.offer_for(1).unwrap();
    assert_eq!(
        told(&desk.accept(offer)),
        [(1, CommandKind::CallBack, Some(1))]
    );
}

#[test]
fn who_is_not_reached_is_called_again_after_a_pause_and_so_often_at_most() {
    let mut desk = calling(2);
    desk.hire(profile(1, &[1], &[]));
    desk.accept(desk.offer_for(1).unwrap());
    let failed = not_called(&mut desk);
    assert_eq!(offers(&failed), []);
    assert_eq!(
        desk.engine.standing(agent(1)).unwrap().status,
        Status::Available
    );
    assert_eq!(desk.engine.waiting_in(queue(1)), 0);
    // The pause stands after a restart, too.
    let snapshot = desk.engine.snapshot();
    let restored = Engine::restore(Settings::default(), snapshot.clone(), desk.now);
    assert_eq!(restored.check(), Ok(()));
    assert_eq!(restored.snapshot().items, snapshot.items);
    let until = desk.now + Duration::from_secs(120);
    let before = desk.pass_until(until - Duration::from_micros(1));
    assert_eq!(offers(&before), []);
    let again = desk.pass_until(until);
    assert_eq!(
        told(&accept(&mut desk, &again)),
        [(1, CommandKind::CallBack, Some(1))]
    );
    let failed = not_called(&mut desk);
    let over =
        |effect: &Effect| matches!(effect, Effect::Abandoned { item: id, .. } if *id == item(1));
    assert!(failed.iter().any(over), "{failed:?}");
    assert_eq!(desk.engine.snapshot().items, []);
}

#[test]
fn a_customer_is_answered_once_they_are_connected() {
    let mut desk = commanded(1, 3);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let answered = |desk: &Desk| desk.engine.item(item(1)).unwrap().figures.answered;
    assert_eq!(answered(&desk), None);
    not_connected(&mut desk, 1, false);
    assert_eq!(answered(&desk), None);
    let again = desk.pass_until(desk.now + Duration::from_secs(30));
    accept(&mut desk, &again);
    let at = desk.now;
    desk.now += Duration::from_secs(3);
    desk.step(Input::Connected {
        item: item(1),
        agent: agent(1),
        at,
    });
    assert_eq!(answered(&desk).unwrap().at, at + Duration::from_secs(3));
}

#[test]
fn an_outcome_of_an_earlier_acceptance_changes_nothing() {
    let mut desk = commanded(1, 3);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let WorkState::Accepted { at, .. } = desk.engine.item(item(1)).unwrap().state else {
        panic!("nobody accepted it");
    };
    not_connected(&mut desk, 1, false);
    let until = desk.now + Duration::from_secs(30);
    let made = desk.pass_until(until);
    accept(&mut desk, &made);
    let before = desk.engine.snapshot();
    let late = desk.step(Input::NotConnected {
        item: item(1),
        agent: agent(1),
        at,
        unreachable: true,
    });
    assert_eq!(late, [Effect::Refused(Refusal::WorkNotAccepted)]);
    assert_eq!(desk.engine.snapshot(), before);
}

#[test]
fn a_contact_that_goes_on_is_commanded_where_nothing_else_is() {
    let mut desk = commanded(2, 1);
    desk.step(Input::QueueChanged(terms(2)));
    desk.hire(profile(3, &[2], &[]));
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let next = WorkItem {
        ticket: ticket(1),
        ..work(2, 2, desk.now)
    };
    let handed_on = desk.step(Input::WorkHandedOn {
        item: item(1),
        agent: agent(1),
        next: Box::new(next),
        disposition: None,
        skip_wrap_up: false,
    });
    assert_eq!(told(&handed_on), [(1, CommandKind::Transfer, None)]);
    assert_eq!(
        told(&accept(&mut desk, &handed_on)),
        [(2, CommandKind::Connect, Some(3))]
    );
    // Their stream breaks and they do not return: the contact waits again.
    desk.step(Input::StreamClosed {
        agent: agent(3),
        stream: 1,
    });
    let until = desk.now + Duration::from_secs(60);
    let gone = desk.pass_until(until);
    assert_eq!(told(&gone), [(2, CommandKind::Transfer, None)]);
}

/// What the last transfer in these effects was to bring about.
fn not_transferred(desk: &mut Desk, effects: &[Effect]) -> Vec<Effect> {
    let transfer = effects.iter().find_map(|effect| match effect {
        Effect::Commanded {
            kind: CommandKind::Transfer,
            agent,
            desk,
            next,
            ..
        } => Some((*agent, (*desk)?, (*next)?)),
        _ => None,
    });
    let (given, from, item) = transfer.unwrap();
    let given = given.map(|agent| (agent, desk.now));
    desk.step(Input::NotTransferred { item, from, given })
}

fn hand_on(desk: &mut Desk, n: u128) -> Vec<Effect> {
    let next = WorkItem {
        ticket: ticket(1),
        ..work(n, 1, desk.now)
    };
    desk.step(Input::WorkHandedOn {
        item: item(1),
        agent: agent(1),
        next: Box::new(next),
        disposition: None,
        skip_wrap_up: false,
    })
}

fn holder(desk: &Desk, n: u128) -> Option<(u128, bool)> {
    let work = desk.engine.item(item(n)).unwrap();
    match work.state {
        WorkState::Accepted { agent, .. } => {
            Some((agent.uuid().as_u128(), work.figures.over_capacity))
        }
        _ => None,
    }
}

#[test]
fn a_contact_that_cannot_be_handed_on_goes_back_to_who_had_it() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    desk.hire(profile(2, &[1], &[]));
    let handed_on = hand_on(&mut desk, 2);
    assert_eq!(offers(&handed_on)[0].agent, agent(2));
    let back = not_transferred(&mut desk, &handed_on);
    // They are in wrap-up of what they handed on: it is more than they take, and says so.
    assert_eq!(holder(&desk, 2), Some((1, true)));
    assert_eq!(told(&back), [(2, CommandKind::Connect, Some(1))]);
    let used = desk.engine.at_work(agent(2)).unwrap();
    assert_eq!(used.in_hand.get(crate::domain::Channel::Phone), 0);
    assert_eq!(
        told(&desk.complete(item(2), agent(1))),
        [(2, CommandKind::HangUp, Some(1))]
    );
}

#[test]
fn a_contact_that_cannot_be_handed_on_waits_when_who_had_it_is_gone_or_another_took_it() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let handed_on = hand_on(&mut desk, 2);
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    assert_eq!(told(&not_transferred(&mut desk, &handed_on)), []);
    assert_eq!(desk.engine.item(item(2)).unwrap().state, WorkState::Waiting);
    desk.hire(profile(2, &[1], &[]));
    desk.accept(desk.offer_for(2).unwrap());
    // Who took it is connected by a command of their own.
    let late = not_transferred(&mut desk, &handed_on);
    assert_eq!(late, [Effect::Refused(Refusal::WorkAccepted)]);
    assert_eq!(holder(&desk, 2), Some((2, false)));
}

#[test]
fn what_a_supervisor_takes_and_the_connector_leaves_is_with_who_had_it() {
    let mut desk = commanded(1, 1);
    let made = desk.queue(call(&desk, 1));
    accept(&mut desk, &made);
    let taken = desk.step(Input::WorkReleased {
        item: item(1),
        to: None,
    });
    not_transferred(&mut desk, &taken);
    assert_eq!(holder(&desk, 1), Some((1, false)));
}
