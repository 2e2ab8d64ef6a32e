//! A queue may hold so many and no more.

use super::desk::*;
use crate::domain::engine::{Effect, Input, Refusal, Terms};
use crate::domain::{Channel, Skills, Status, WorkItem};

fn limited(desk: &mut Desk, queue: u128, most: u32) {
    desk.step(Input::QueueChanged(Terms {
        most_waiting: Some(most),
        ..terms(queue)
    }));
}

#[test]
fn who_comes_to_a_full_queue_is_refused_and_nothing_changes() {
    let mut desk = Desk::with_agents(1);
    limited(&mut desk, 1, 2);
    for n in 1..=3 {
        desk.queue(work(n, 1, desk.now));
    }
    assert_eq!(desk.engine.waiting_in(queue(1)), 2);
    let before = desk.engine.snapshot();
    let refused = desk.queue(work(4, 1, desk.now));
    assert_eq!(refused, [Effect::Refused(Refusal::QueueFull)]);
    assert_eq!(desk.engine.snapshot(), before);
    desk.step(Input::WorkItemWithdrawn {
        item: item(2),
        abandoned: true,
    });
    assert_eq!(
        desk.queue(work(4, 1, desk.now)),
        [Effect::Queued { item: item(4) }]
    );
}

#[test]
fn who_need_not_wait_is_never_refused() {
    let mut desk = Desk::with_agents(2);
    limited(&mut desk, 1, 0);
    assert_eq!(offers(&desk.queue(work(1, 1, desk.now))).len(), 1);
    // The other agent is free, but not for this.
    let english = WorkItem {
        skills: skills(&["english"]),
        ..work(2, 1, desk.now)
    };
    assert_eq!(desk.queue(english), [Effect::Refused(Refusal::QueueFull)]);
    assert_eq!(offers(&desk.queue(work(3, 1, desk.now))).len(), 1);
    assert_eq!(
        desk.queue(work(4, 1, desk.now)),
        [Effect::Refused(Refusal::QueueFull)]
    );
}

#[test]
fn what_cannot_be_sent_away_waits_in_a_full_queue() {
    let mut desk = Desk::with_agents(0);
    limited(&mut desk, 1, 1);
    desk.queue(work(1, 1, desk.now));
    assert!(
        !desk
            .engine
            .has_room(queue(1), Channel::Phone, &Skills::new())
    );
    let admitted = Input::WorkItemAdmitted(Box::new(work(2, 1, desk.now)));
    assert_eq!(
        desk.step(admitted.clone()),
        [Effect::Queued { item: item(2) }]
    );
    assert_eq!(desk.step(admitted), [Effect::Refused(Refusal::WorkKnown)]);
    assert_eq!(desk.engine.waiting_in(queue(1)), 2);
}

/// A limit is for those who come. Who was let in keeps their place, whatever comes back.
#[test]
fn what_was_let_in_may_come_back_to_a_full_queue() {
    let mut desk = Desk::with_agents(1);
    limited(&mut desk, 1, 1);
    desk.queue(work(1, 1, desk.now));
    desk.queue(work(2, 1, desk.now));
    desk.step(Input::StatusSet {
        agent: agent(1),
        status: Status::Away,
        reason: None,
    });
    assert_eq!(desk.engine.waiting_in(queue(1)), 2);
}

#[test]
fn nothing_is_moved_into_a_full_queue() {
    let mut desk = Desk::with_agents(0);
    desk.step(Input::QueueChanged(terms(2)));
    limited(&mut desk, 2, 1);
    desk.queue(work(1, 2, desk.now));
    desk.queue(work(2, 1, desk.now));
    let change = Input::WorkItemChanged {
        item: item(2),
        queue: queue(2),
        skills: Skills::new(),
        priority: crate::domain::Priority::High,
    };
    assert_eq!(
        desk.step(change.clone()),
        [Effect::Refused(Refusal::QueueFull)]
    );
    assert_eq!(desk.engine.item(item(2)).unwrap().queue, queue(1));
    limited(&mut desk, 2, 2);
    assert_eq!(desk.step(change), []);
}
