//! Contacts that go from agent to agent.

use std::time::Duration;

use super::desk::*;
use crate::domain::engine::{Effect, Engine, Input, Profile, Refusal, Settings, Terms};
use crate::domain::{
    Discipline, Kept, OfferEnd, Passage, Status, WorkItem, WorkSelection, WorkState,
};

const TIME: Duration = Duration::from_secs(60);

/// What goes on with the contact of a work item, as number `n` in queue 1.
fn next(desk: &Desk, of: u128, n: u128) -> WorkItem {
    let before = desk.engine.item(item(of)).unwrap();
    let mut next = WorkItem {
        ticket: before.ticket,
        ..work(n, 1, desk.now)
    };
    let turn = before.turn();
    next.pass(|passage| passage.turn_at = Some(turn));
    next
}

fn kept(desk: &Desk, mut next: WorkItem, n: u128) -> WorkItem {
    let until = desk.now + TIME;
    next.pass(|passage| {
        passage.kept = Some(Kept {
            agent: agent(n),
            until,
        });
    });
    next
}

fn hand_on(desk: &mut Desk, of: u128, by: u128, next: WorkItem) -> Vec<Effect> {
    desk.step(Input::WorkHandedOn {
        item: item(of),
        agent: agent(by),
        next: Box::new(next),
        disposition: Some("billing".parse().unwrap()),
        skip_wrap_up: false,
    })
}

fn refused(effects: &[Effect]) -> Option<Refusal> {
    match effects {
        [Effect::Refused(refusal)] => Some(*refusal),
        _ => None,
    }
}

/// Work number 1, in the hands of agent 1.
fn in_hand(desk: &mut Desk) {
    let offer = offers(&desk.queue(work(1, 1, desk.now)))[0];
    assert_eq!(offer.agent, agent(1));
    desk.accept(offer);
}

#[test]
fn a_contact_that_is_handed_on_keeps_its_turn_and_who_had_it_wraps_up() {
    let mut desk = Desk::with_agents(2);
    in_hand(&mut desk);
    let offer = offers(&desk.queue(work(2, 1, desk.now)))[0];
    desk.accept(offer);
    desk.now = secs(40);
    // It came in before what is handed on, but its contact came later.
    desk.queue(work(3, 1, desk.now));
    desk.now = secs(50);
    let going_on = next(&desk, 1, 4);
    let effects = hand_on(&mut desk, 1, 1, going_on);
    let wraps_up = Effect::WrapUpStarted {
        item: item(1),
        agent: agent(1),
    };
    assert!(effects.contains(&wraps_up), "{effects:?}");
    let giver = desk.engine.item(item(1)).unwrap();
    assert_eq!(giver.next(), Some(item(4)));
    let passage = desk.engine.item(item(4)).unwrap().passage.clone().unwrap();
    assert_eq!((passage.before, passage.hops), (Some(item(1)), 1));
    let freed = desk.complete(item(2), agent(2));
    assert_eq!(offers(&freed), []);
    let freed = desk.pass_until(secs(60));
    let made = offers(&freed);
    let to = |n| made.iter().find(|o| o.agent == agent(n)).map(|o| o.item);
    assert_eq!(to(2), Some(item(4)), "the older contact goes first");
    assert_eq!(to(1), Some(item(3)), "and not back to who handed it on");
    let over = freed.iter().find_map(|effect| match effect {
        Effect::Completed {
            item: id,
            disposition,
            ..
        } if *id == item(1) => disposition.clone(),
        _ => None,
    });
    assert_eq!(over, Some("billing".parse().unwrap()));
}

#[test]
fn a_contact_that_loses_its_turn_comes_after_what_waits() {
    let mut desk = Desk::with_agents(1);
    in_hand(&mut desk);
    desk.now = secs(40);
    desk.queue(work(2, 1, desk.now));
    let mut going_on = next(&desk, 1, 3);
    going_on.pass(|passage| passage.turn_at = None);
    desk.now = secs(41);
    hand_on(&mut desk, 1, 1, going_on);
    let made = offers(&desk.pass_until(secs(200)));
    assert_eq!(made.first().map(|offer| offer.item), Some(item(2)));
}

#[test]
fn what_is_kept_for_an_agent_waits_for_them_and_then_for_everybody() {
    let mut desk = Desk::with_agents(3);
    in_hand(&mut desk);
    let busy = offers(&desk.queue(work(2, 1, desk.now)))[0];
    assert_eq!(busy.agent, agent(2));
    desk.accept(busy);
    // Agent 3 is free, but it is for agent 2.
    let theirs = kept(&desk, next(&desk, 1, 4), 2);
    let effects = hand_on(&mut desk, 1, 1, theirs);
    assert_eq!(offers(&effects), []);
    assert_eq!(
        desk.engine.waiting_in(queue(1)),
        0,
        "it is in no line of the queue"
    );
    desk.complete(item(2), agent(2));
    let until = desk.now + Duration::from_secs(10);
    let made = offers(&desk.pass_until(until));
    assert_eq!(
        made.first().map(|o| (o.agent, o.item)),
        Some((agent(2), item(4)))
    );
    // They let it lapse: now it is for everybody.
    let made = offers(&desk.pass_until(made[0].expires_at));
    assert_eq!(
        made.first().map(|o| (o.agent, o.item)),
        Some((agent(3), item(4)))
    );
}

#[test]
fn what_is_kept_for_somebody_who_has_no_time_goes_on_when_its_time_is_over() {
    let mut desk = Desk::with_agents(2);
    in_hand(&mut desk);
    desk.step(Input::StatusSet {
        agent: agent(2),
        status: Status::Away,
        reason: None,
    });
    desk.hire(profile(3, &[1], &[]));
    let theirs = kept(&desk, next(&desk, 1, 4), 2);
    assert_eq!(offers(&hand_on(&mut desk, 1, 1, theirs)), []);
    let until = desk.now + TIME;
    let before = offers(&desk.pass_until(until - Duration::from_micros(1)));
    assert_eq!(before, []);
    let made = offers(&desk.pass_until(until));
    assert_eq!(
        made.first().map(|o| (o.agent, o.item)),
        Some((agent(3), item(4)))
    );
}

#[test]
fn an_offer_to_whom_it_is_kept_for_that_we_take_back_leaves_it_theirs() {
    let mut desk = Desk::with_agents(2);
    in_hand(&mut desk);
    let theirs = kept(&desk, next(&desk, 1, 4), 2);
    let made = offers(&hand_on(&mut desk, 1, 1, theirs));
    assert_eq!(made.first().map(|o| o.agent), Some(agent(2)));
    desk.hire(profile(3, &[1], &[]));
    let gone = desk.step(Input::StreamClosed {
        agent: agent(2),
        stream: 1,
    });
    assert_eq!(ends(&gone), [(made[0].id, OfferEnd::AgentGone)]);
    assert_eq!(
        offers(&gone),
        [],
        "agent 3 is free, and it is not for them yet"
    );
    let back = desk.step(Input::StreamOpened {
        agent: agent(2),
        stream: 2,
    });
    assert_eq!(
        offers(&back).first().map(|o| (o.agent, o.item)),
        Some((agent(2), item(4)))
    );
    // The same stands after a restart.
    let snapshot = desk.engine.snapshot();
    let restored = Engine::restore(Settings::default(), snapshot.clone(), desk.now);
    assert_eq!(restored.check(), Ok(()));
    assert_eq!(restored.snapshot().items, snapshot.items);
}

#[test]
fn a_contact_is_handed_on_so_often_at_most() {
    let mut desk = Desk::with_agents(2);
    in_hand(&mut desk);
    let mut last = 1;
    for hop in 1..=u128::from(Passage::MOST_HOPS) {
        let by = desk.engine.item(item(last)).unwrap().agent().unwrap();
        let to = if by == agent(1) { 2 } else { 1 };
        let theirs = kept(&desk, next(&desk, last, hop + 1), to);
        let made = desk.step(Input::WorkHandedOn {
            item: item(last),
            agent: by,
            next: Box::new(theirs),
            disposition: None,
            skip_wrap_up: true,
        });
        let offer = offers(&made).into_iter().find(|o| o.item == item(hop + 1));
        desk.accept(offer.unwrap());
        last = hop + 1;
    }
    let by = desk.engine.item(item(last)).unwrap().agent().unwrap();
    let once_more = next(&desk, last, 99);
    let effects = desk.step(Input::WorkHandedOn {
        item: item(last),
        agent: by,
        next: Box::new(once_more),
        disposition: None,
        skip_wrap_up: true,
    });
    assert_eq!(refused(&effects), Some(Refusal::HandedOnTooOften));
    // Whoever is asked about it may have to go on with it.
    let consult = next(&desk, last, 99);
    let asked = desk.step(Input::ConsultStarted {
        item: item(last),
        agent: by,
        consult: Box::new(consult),
    });
    assert_eq!(refused(&asked), Some(Refusal::HandedOnTooOften));
    assert!(desk.engine.item(item(99)).is_none());
}

#[test]
fn what_keeps_a_contact_from_being_handed_on_is_told_and_nothing_changes() {
    let mut desk = Desk::with_agents(2);
    in_hand(&mut desk);
    let before = desk.engine.snapshot();
    let plain = next(&desk, 1, 4);
    let unknown = WorkItem {
        queue: queue(7),
        ..plain.clone()
    };
    let to_self = kept(&desk, plain.clone(), 1);
    let to_nobody = kept(&desk, plain.clone(), 9);
    for (by, next, expected) in [
        (2, plain.clone(), Refusal::NotTheirs),
        (1, unknown, Refusal::QueueUnknown),
        (1, to_self, Refusal::HasIt),
        (1, to_nobody, Refusal::AgentUnknown),
    ] {
        assert_eq!(refused(&hand_on(&mut desk, 1, by, next)), Some(expected));
    }
    assert_eq!(desk.engine.snapshot(), before);
    // The customer hung up: there is nobody to hand on.
    desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    let effects = hand_on(&mut desk, 1, 1, plain);
    assert_eq!(refused(&effects), Some(Refusal::ContactOver));
}

#[test]
fn a_full_queue_takes_no_contact_but_what_is_kept_for_somebody_needs_no_room() {
    let mut desk = Desk::with_agents(1);
    in_hand(&mut desk);
    let mut full = terms(2);
    full.most_waiting = Some(0);
    desk.step(Input::QueueChanged(full));
    let there = WorkItem {
        queue: queue(2),
        ..next(&desk, 1, 4)
    };
    assert_eq!(
        refused(&hand_on(&mut desk, 1, 1, there.clone())),
        Some(Refusal::QueueFull)
    );
    desk.hire(profile(2, &[1], &[]));
    let theirs = kept(&desk, there, 2);
    let made = offers(&hand_on(&mut desk, 1, 1, theirs));
    assert_eq!(made.first().map(|o| o.agent), Some(agent(2)));
}

#[test]
fn time_on_hold_is_counted_whatever_ends_it() {
    let mut desk = Desk::with_agents(2);
    in_hand(&mut desk);
    let (id, ana) = (item(1), agent(1));
    let hold = |desk: &mut Desk| {
        desk.step(Input::WorkHeld {
            item: id,
            agent: ana,
        })
    };
    let resume = |desk: &mut Desk| {
        desk.step(Input::WorkResumed {
            item: id,
            agent: ana,
        })
    };
    let told = Effect::WorkChanged {
        item: id,
        agent: ana,
    };
    assert_eq!(refused(&resume(&mut desk)), Some(Refusal::NotOnHold));
    assert_eq!(hold(&mut desk), std::slice::from_ref(&told));
    assert_eq!(refused(&hold(&mut desk)), Some(Refusal::OnHold));
    let held = |desk: &Desk| {
        let passage = desk.engine.item(id).unwrap().passage.clone();
        passage.map(|passage| (passage.held_since, passage.held))
    };
    desk.now += Duration::from_secs(7);
    assert_eq!(resume(&mut desk), [told]);
    assert_eq!(held(&desk), Some((None, Duration::from_secs(7))));
    hold(&mut desk);
    desk.now += Duration::from_secs(5);
    // It is taken from them while it is on hold.
    desk.step(Input::WorkReleased { item: id, to: None });
    assert_eq!(held(&desk), Some((None, Duration::from_secs(12))));
    let work = desk.engine.item(id).unwrap();
    assert!(matches!(work.state, WorkState::Offered(offer) if offer.agent == agent(2)));
}

#[test]
fn who_weighs_their_queues_gets_what_is_kept_for_them_as_work_of_its_queue() {
    let mut desk = Desk::with_agents(1);
    let weighty = Discipline {
        weight: 3,
        ..Discipline::default()
    };
    desk.step(Input::QueueChanged(Terms {
        discipline: weighty,
        ..terms(1)
    }));
    desk.step(Input::QueueChanged(terms(2)));
    desk.hire(Profile {
        work_selection: WorkSelection::QueueRatio,
        ..profile(2, &[2], &[])
    });
    let busy = offers(&desk.queue(work(2, 2, desk.now)))[0];
    desk.accept(busy);
    desk.now = secs(1);
    desk.queue(work(3, 2, desk.now));
    desk.now = secs(5);
    in_hand(&mut desk);
    let theirs = kept(&desk, next(&desk, 1, 4), 2);
    hand_on(&mut desk, 1, 1, theirs);
    desk.complete(item(2), agent(2));
    // As much was taken of either queue, and the first has three times the weight: its work comes before what is older.
    let made = offers(&desk.pass_until(secs(15)));
    let made: Vec<_> = made.iter().map(|offer| (offer.agent, offer.item)).collect();
    assert_eq!(made, [(agent(2), item(4))]);
}

#[test]
fn what_is_kept_for_an_agent_is_offered_to_them_alone_and_then_to_as_many_as_its_queue_says() {
    let mut desk = Desk::with_agents(3);
    in_hand(&mut desk);
    desk.step(Input::QueueChanged(Terms {
        discipline: Discipline {
            broadcast: 2,
            ..Discipline::default()
        },
        ..terms(1)
    }));
    let mut theirs = next(&desk, 1, 4);
    let until = desk.now + Duration::from_secs(5);
    theirs.pass(|passage| {
        passage.kept = Some(Kept {
            agent: agent(2),
            until,
        });
    });
    hand_on(&mut desk, 1, 1, theirs);
    let asked = |desk: &Desk| {
        desk.engine
            .item(item(4))
            .unwrap()
            .agents()
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&desk), [agent(2)]);
    desk.pass_until(until);
    assert_eq!(asked(&desk), [agent(2), agent(3)]);
}
