//! Agents who are no persons.

use std::time::Duration;

use super::desk::*;
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::{Effect, Engine, Input, Profile, Refusal, Settings, Terms};
use crate::domain::{AgentKind, Priority, Skills, WorkState};

/// A bot serves the first queue, a person the second, whose work has wrap-up.
fn desk() -> Desk {
    let mut desk = Desk::with_agents(0);
    desk.step(Input::QueueChanged(terms(2)));
    desk.hire(Profile {
        kind: AgentKind::Virtual,
        ..profile(1, &[1], &[])
    });
    desk.hire(profile(2, &[2], &[]));
    desk
}

fn hand_over(desk: &mut Desk, n: u128, by: u128, to: u128) -> Vec<Effect> {
    desk.step(Input::WorkHandedOver {
        item: item(n),
        agent: agent(by),
        queue: queue(to),
        skills: Skills::new(),
        priority: Priority::High,
    })
}

#[test]
fn what_a_bot_hands_over_is_older_and_not_answered_until_a_person_takes_it() {
    let mut desk = desk();
    let came = desk.now;
    desk.queue(work(1, 1, came));
    let offer = desk.offer_for(1).unwrap();
    desk.accept(offer);
    assert_eq!(desk.engine.item(item(1)).unwrap().figures.answered, None);
    desk.pass_until(came + Duration::from_secs(15));
    hand_over(&mut desk, 1, 1, 2);
    let work = desk.engine.item(item(1)).unwrap();
    assert!(work.handed_over && work.queued_at == came);
    assert_eq!(work.figures.handled_before, Duration::from_secs(15));
    assert_eq!((work.queue, work.priority), (queue(2), Priority::High));
    let offer = desk.offer_for(1).unwrap();
    assert_eq!(offer.agent, agent(2));
    desk.pass_until(came + Duration::from_secs(18));
    desk.accept(offer);
    let answered = desk.engine.item(item(1)).unwrap().figures.answered.unwrap();
    assert_eq!(
        (answered.at, answered.queue, answered.in_time),
        (came + Duration::from_secs(18), queue(2), true)
    );
}

#[test]
fn a_bot_has_no_wrap_up() {
    let mut desk = desk();
    for (n, by, in_queue) in [(1, 1, 1), (2, 2, 2)] {
        desk.queue(work(n, in_queue, desk.now));
        let offer = desk.offer_for(n).unwrap();
        desk.accept(offer);
        desk.complete(item(n), agent(by));
    }
    assert!(desk.engine.item(item(1)).is_none());
    assert!(matches!(
        desk.engine.item(item(2)).unwrap().state,
        WorkState::WrappingUp { .. }
    ));
}

#[test]
fn only_a_bot_hands_over_and_only_what_it_has() {
    let mut desk = desk();
    desk.queue(work(1, 1, desk.now));
    desk.queue(work(2, 2, desk.now));
    let refused = |refusal| [Effect::Refused(refusal)];
    assert_eq!(
        hand_over(&mut desk, 1, 1, 2),
        refused(Refusal::WorkNotAccepted)
    );
    for n in [1, 2] {
        let offer = desk.offer_for(n).unwrap();
        desk.accept(offer);
    }
    assert_eq!(hand_over(&mut desk, 1, 2, 2), refused(Refusal::NotTheirs));
    assert_eq!(
        hand_over(&mut desk, 2, 2, 1),
        refused(Refusal::AgentNotVirtual)
    );
    assert_eq!(
        hand_over(&mut desk, 1, 1, 9),
        refused(Refusal::QueueUnknown)
    );
    assert_eq!(hand_over(&mut desk, 9, 1, 2), refused(Refusal::WorkNotOpen));
    // The customer hung up: there is nobody to hand over.
    desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    assert_eq!(hand_over(&mut desk, 1, 1, 2), refused(Refusal::ContactOver));
}

#[test]
fn a_bot_that_hands_over_into_its_own_queue_is_passed_over_for_a_while() {
    let mut desk = desk();
    desk.queue(work(1, 1, desk.now));
    let offer = desk.offer_for(1).unwrap();
    desk.accept(offer);
    hand_over(&mut desk, 1, 1, 1);
    assert_eq!(desk.engine.item(item(1)).unwrap().state, WorkState::Waiting);
    let before = desk.engine.snapshot();
    desk.engine = Engine::restore(Settings::default(), before.clone(), desk.now);
    assert_eq!(desk.engine.snapshot().items, before.items);
}

#[test]
fn the_connector_lets_what_a_bot_hands_over_wait_for_a_person() {
    let mut desk = desk();
    desk.step(Input::QueueChanged(Terms {
        commanded: true,
        ..terms(1)
    }));
    let mut call = work(1, 1, desk.now);
    call.pass(|passage| passage.connector = Some("pbx".into()));
    desk.queue(call);
    desk.accept(desk.offer_for(1).unwrap());
    let effects = hand_over(&mut desk, 1, 1, 2);
    let told = effects.iter().find_map(|effect| match effect {
        Effect::Commanded {
            kind, queue, next, ..
        } => Some((*kind, *queue, *next)),
        _ => None,
    });
    let expected = (CommandKind::Transfer, Some(queue(2)), Some(item(1)));
    assert_eq!(told, Some(expected));
}
