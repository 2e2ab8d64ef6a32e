//! A second agent is asked about a contact: whoever goes first, nobody is left.

use std::time::Duration;

use super::desk::*;
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::{Effect, Engine, Input, Refusal, Settings, Terms};
use crate::domain::{Kept, Status, WorkItem, WorkState};

/// Work 1, commanded, in the hands of agent 1, who asks agent 2 by work 9.
fn asking(accepted: bool) -> Desk {
    let mut desk = Desk::with_agents(3);
    desk.step(Input::QueueChanged(Terms {
        commanded: true,
        ..terms(1)
    }));
    let mut call = work(1, 1, desk.now);
    call.pass(|passage| passage.connector = Some("pbx".into()));
    let offer = offers(&desk.queue(call))[0];
    assert_eq!(offer.agent, agent(1));
    desk.accept(offer);
    let asked = start(&mut desk, 9, 2);
    let offer = offers(&asked)[0];
    assert_eq!(offer.agent, agent(2));
    if accepted {
        let taken = desk.accept(offer);
        assert_eq!(told(&taken), [(9, CommandKind::Connect, Some(2), true)]);
    }
    desk
}

fn start(desk: &mut Desk, n: u128, to: u128) -> Vec<Effect> {
    let mut consult = WorkItem {
        ticket: ticket(1),
        ..work(n, 1, desk.now)
    };
    let until = desk.now + Duration::from_secs(60);
    consult.pass(|passage| {
        passage.kept = Some(Kept {
            agent: agent(to),
            until,
        });
    });
    desk.step(Input::ConsultStarted {
        item: item(1),
        agent: agent(1),
        consult: Box::new(consult),
    })
}

fn told(effects: &[Effect]) -> Vec<(u128, CommandKind, Option<u128>, bool)> {
    let command = |effect: &Effect| match effect {
        Effect::Commanded {
            item,
            kind,
            agent,
            consult,
            ..
        } => Some((
            item.uuid().as_u128(),
            *kind,
            agent.map(|agent| agent.uuid().as_u128()),
            *consult,
        )),
        _ => None,
    };
    effects.iter().filter_map(command).collect()
}

fn refused(effects: &[Effect]) -> Option<Refusal> {
    match effects {
        [Effect::Refused(refusal)] => Some(*refusal),
        _ => None,
    }
}

fn give(desk: &mut Desk) -> Vec<Effect> {
    desk.step(Input::TransferCompleted {
        item: item(1),
        agent: agent(1),
        disposition: None,
        skip_wrap_up: false,
    })
}

fn together(desk: &mut Desk) -> Vec<Effect> {
    desk.step(Input::ConferenceStarted {
        item: item(1),
        agent: agent(1),
    })
}

fn gone(desk: &mut Desk, n: u128) -> Vec<Effect> {
    let mut effects = desk.step(Input::StreamClosed {
        agent: agent(n),
        stream: 1,
    });
    let until = desk.now + Duration::from_secs(60);
    effects.extend(desk.pass_until(until));
    effects
}

fn is_accepted_by(desk: &Desk, n: u128, by: u128) -> bool {
    let state = desk.engine.item(item(n)).map(|work| &work.state);
    matches!(state, Some(WorkState::Accepted { agent: theirs, .. }) if *theirs == agent(by))
}

#[test]
fn who_is_asked_has_work_of_their_own_and_the_contact_is_on_hold() {
    let desk = asking(true);
    let contact = desk.engine.item(item(1)).unwrap();
    assert_eq!(contact.consult(), Some(item(9)));
    assert!(contact.held_since().is_some());
    assert!(is_accepted_by(&desk, 9, 2));
    let used = desk.engine.at_work(agent(2)).unwrap();
    assert_eq!(
        used.in_hand.get(contact.channel),
        1,
        "it takes their capacity"
    );
    // The same stands after a restart.
    let snapshot = desk.engine.snapshot();
    let restored = Engine::restore(Settings::default(), snapshot.clone(), desk.now);
    assert_eq!(restored.check(), Ok(()));
    assert_eq!(restored.snapshot().items, snapshot.items);
}

#[test]
fn nobody_is_asked_about_their_own_contact() {
    let mut desk = Desk::with_agents(1);
    desk.hire(profile(2, &[2], &[]));
    let chat = WorkItem {
        channel: crate::domain::Channel::Chat,
        ..work(1, 1, desk.now)
    };
    let offer = offers(&desk.queue(chat))[0];
    desk.accept(offer);
    let consult = WorkItem {
        ticket: ticket(1),
        channel: crate::domain::Channel::Chat,
        ..work(9, 1, desk.now)
    };
    // They have room for another chat, and nobody else serves the queue.
    let asked = desk.step(Input::ConsultStarted {
        item: item(1),
        agent: agent(1),
        consult: Box::new(consult),
    });
    assert_eq!(offers(&asked), []);
    let until = desk.now + Duration::from_secs(600);
    assert_eq!(offers(&desk.pass_until(until)), []);
}

#[test]
fn the_contact_goes_to_who_was_asked() {
    let mut desk = asking(true);
    let given = give(&mut desk);
    assert_eq!(told(&given), [(1, CommandKind::Transfer, Some(2), false)]);
    let contact = desk.engine.item(item(9)).unwrap();
    let passage = contact.passage.clone().unwrap();
    assert_eq!(
        (passage.before, passage.hops, passage.consult_of),
        (Some(item(1)), 1, None)
    );
    let giver = desk.engine.item(item(1)).unwrap();
    assert!(matches!(giver.state, WorkState::WrappingUp { .. }));
    assert_eq!((giver.next(), giver.held_since()), (Some(item(9)), None));
    // It is a contact like any other now.
    let over = desk.complete(item(9), agent(2));
    assert_eq!(told(&over), [(9, CommandKind::HangUp, Some(2), false)]);
}

#[test]
fn nothing_goes_to_who_has_not_accepted_and_one_is_asked_at_a_time() {
    let mut desk = asking(false);
    assert_eq!(refused(&give(&mut desk)), Some(Refusal::ConsultNotAccepted));
    assert_eq!(
        refused(&together(&mut desk)),
        Some(Refusal::ConsultNotAccepted)
    );
    assert_eq!(refused(&start(&mut desk, 8, 3)), Some(Refusal::Consulting));
    let ended = desk.step(Input::ConsultEnded {
        item: item(1),
        agent: agent(1),
    });
    assert_eq!(ends(&ended).len(), 1, "their offer is taken back");
    assert!(desk.engine.item(item(9)).is_none());
    assert_eq!(refused(&give(&mut desk)), Some(Refusal::NotConsulting));
    let other = start(&mut desk, 8, 3);
    assert_eq!(offers(&other).first().map(|o| o.agent), Some(agent(3)));
}

#[test]
fn who_is_asked_gives_on_and_holds_nothing() {
    let mut desk = asking(true);
    let (id, ben) = (item(9), agent(2));
    let held = desk.step(Input::WorkHeld {
        item: id,
        agent: ben,
    });
    assert_eq!(refused(&held), Some(Refusal::IsConsult));
    let on = desk.step(Input::WorkHandedOn {
        item: id,
        agent: ben,
        next: Box::new(work(8, 1, desk.now)),
        disposition: None,
        skip_wrap_up: false,
    });
    assert_eq!(refused(&on), Some(Refusal::IsConsult));
    let mut on = work(8, 1, desk.now);
    on.ticket = ticket(1);
    let on = desk.step(Input::WorkHandedOn {
        item: item(1),
        agent: agent(1),
        next: Box::new(on),
        disposition: None,
        skip_wrap_up: false,
    });
    assert_eq!(refused(&on), Some(Refusal::Consulting));
}

#[test]
fn who_is_asked_leaves_and_the_other_goes_on_alone() {
    let mut desk = asking(true);
    together(&mut desk);
    assert!(desk.engine.item(item(1)).unwrap().held_since().is_none());
    let left = desk.complete(item(9), agent(2));
    assert_eq!(told(&left), [(9, CommandKind::HangUp, Some(2), true)]);
    let contact = desk.engine.item(item(1)).unwrap();
    assert_eq!(contact.consult(), None);
    assert!(is_accepted_by(&desk, 1, 1));
}

#[test]
fn who_asks_is_asked_no_more_and_the_other_has_a_way_out() {
    let mut desk = asking(true);
    let ended = desk.step(Input::ConsultEnded {
        item: item(1),
        agent: agent(1),
    });
    assert_eq!(told(&ended), [(9, CommandKind::HangUp, Some(2), true)]);
    assert!(is_accepted_by(&desk, 9, 2) && desk.engine.item(item(9)).unwrap().settled);
    // That the ticket is taken up again asks nobody.
    desk.step(Input::TicketReopened(ticket(1)));
    let away = gone(&mut desk, 2);
    let done = away
        .iter()
        .any(|effect| matches!(effect, Effect::Completed { item: id, .. } if *id == item(9)));
    assert!(done, "{away:?}");
    assert_eq!(told(&away), []);
}

#[test]
fn from_a_conference_the_contact_stays_with_who_stays() {
    let mut desk = asking(true);
    let all = together(&mut desk);
    assert_eq!(told(&all), [(1, CommandKind::Conference, Some(2), false)]);
    let left = desk.complete(item(1), agent(1));
    assert_eq!(told(&left), [(1, CommandKind::Transfer, Some(2), false)]);
    assert_eq!(desk.engine.item(item(1)).unwrap().next(), Some(item(9)));
    assert!(is_accepted_by(&desk, 9, 2));
}

#[test]
fn who_asks_goes_away_and_the_contact_is_with_who_is_on_the_line() {
    let mut desk = asking(true);
    let away = gone(&mut desk, 1);
    assert_eq!(told(&away), [(1, CommandKind::Transfer, Some(2), false)]);
    assert!(is_accepted_by(&desk, 9, 2));
    assert!(desk.engine.item(item(1)).is_none());
    // Who has it then goes away, too: it waits again, and others take it.
    let away = gone(&mut desk, 2);
    assert_eq!(told(&away), [(9, CommandKind::Transfer, None, false)]);
    assert_eq!(
        offers(&away).first().map(|o| (o.agent, o.item)),
        Some((agent(3), item(9)))
    );
}

#[test]
fn who_asks_goes_away_before_anybody_is_there_and_the_contact_waits_again() {
    let mut desk = asking(false);
    desk.step(Input::StatusSet {
        agent: agent(3),
        status: Status::Away,
        reason: None,
    });
    desk.step(Input::StatusSet {
        agent: agent(2),
        status: Status::Away,
        reason: None,
    });
    let away = gone(&mut desk, 1);
    assert_eq!(told(&away), [(1, CommandKind::Transfer, None, false)]);
    assert!(desk.engine.item(item(9)).is_none(), "nobody asks any more");
    assert_eq!(desk.engine.item(item(1)).unwrap().state, WorkState::Waiting);
    assert_eq!(desk.engine.waiting(), 1);
}

#[test]
fn the_customer_hangs_up_and_both_complete() {
    let mut desk = asking(true);
    desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    assert_eq!(refused(&give(&mut desk)), Some(Refusal::ContactOver));
    for (n, by) in [(9, 2), (1, 1)] {
        assert!(desk.engine.item(item(n)).unwrap().settled);
        assert_eq!(told(&desk.complete(item(n), agent(by))), []);
    }
    desk.pass_until(secs(600));
    assert_eq!(desk.engine.snapshot().items, []);
}

#[test]
fn a_contact_that_is_taken_from_who_asks_asks_nobody() {
    let mut desk = asking(true);
    let released = desk.step(Input::WorkReleased {
        item: item(1),
        to: None,
    });
    assert_eq!(
        told(&released)[..2],
        [
            (9, CommandKind::HangUp, Some(2), true),
            (1, CommandKind::Transfer, None, false)
        ]
    );
    assert!(desk.engine.item(item(9)).unwrap().settled);
}

#[test]
fn a_consult_that_cannot_be_connected_is_offered_to_others() {
    let mut desk = asking(true);
    let WorkState::Accepted { at, .. } = desk.engine.item(item(9)).unwrap().state else {
        panic!("nobody accepted it");
    };
    let failed = desk.step(Input::NotConnected {
        item: item(9),
        agent: agent(2),
        at,
        unreachable: false,
    });
    assert_eq!(
        offers(&failed).first().map(|o| (o.agent, o.item)),
        Some((agent(3), item(9)))
    );
    assert_eq!(desk.engine.item(item(1)).unwrap().consult(), Some(item(9)));
}

#[test]
fn who_was_given_a_contact_that_stayed_where_it_was_is_free_again() {
    let mut desk = asking(true);
    give(&mut desk);
    let given = Some((agent(2), desk.now));
    let back = desk.step(Input::NotTransferred {
        item: item(9),
        from: agent(1),
        given,
    });
    assert!(is_accepted_by(&desk, 9, 1));
    assert_eq!(told(&back), [(9, CommandKind::Connect, Some(1), false)]);
    let used = desk.engine.at_work(agent(2)).unwrap();
    assert_eq!(used.in_hand.get(crate::domain::Channel::Phone), 0);
    // Who took it from them meanwhile keeps it.
    let again = desk.step(Input::NotTransferred {
        item: item(9),
        from: agent(2),
        given,
    });
    assert_eq!(refused(&again), Some(Refusal::WorkAccepted));
}

#[test]
fn who_solves_a_matter_and_goes_leaves_the_contact_to_who_is_on_the_line() {
    let mut desk = asking(true);
    desk.step(Input::ConferenceStarted {
        item: item(1),
        agent: agent(1),
    });
    desk.step(Input::TicketSettled(ticket(1)));
    let done = desk.complete(item(1), agent(1));
    assert_eq!(told(&done), [(1, CommandKind::Transfer, Some(2), false)]);
    let theirs = desk.engine.item(item(9)).unwrap();
    assert_eq!(
        (theirs.agent(), theirs.consult_of()),
        (Some(agent(2)), None)
    );
    // The last who goes hangs up.
    let over = desk.complete(item(9), agent(2));
    assert_eq!(told(&over), [(9, CommandKind::HangUp, Some(2), false)]);
}
