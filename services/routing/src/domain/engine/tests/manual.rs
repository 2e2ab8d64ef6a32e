//! What somebody who directs others decides by hand.

use std::time::Duration;

use super::desk::*;
use crate::domain::engine::{Effect, Handing, Input, Refusal};
use crate::domain::{Channel, OfferEnd, Status, WorkItem, WorkState};

fn to(n: u128) -> Handing {
    Handing {
        agent: agent(n),
        forced: false,
        over_capacity: false,
        without_skills: false,
    }
}

fn forced(n: u128) -> Handing {
    Handing {
        forced: true,
        ..to(n)
    }
}

fn assign(desk: &mut Desk, n: u128, to: Handing) -> Vec<Effect> {
    desk.step(Input::WorkAssigned { item: item(n), to })
}

fn release(desk: &mut Desk, n: u128, to: Option<Handing>) -> Vec<Effect> {
    desk.step(Input::WorkReleased { item: item(n), to })
}

fn refused(effects: &[Effect]) -> Option<Refusal> {
    match effects {
        [Effect::Refused(refusal)] => Some(*refusal),
        _ => None,
    }
}

fn set(desk: &mut Desk, n: u128, status: Status) -> Vec<Effect> {
    desk.step(Input::StatusSet {
        agent: agent(n),
        status,
        reason: None,
    })
}

#[test]
fn work_that_is_offered_goes_to_whom_it_is_assigned_and_to_nobody_beside() {
    let mut desk = Desk::with_agents(3);
    let first = offers(&desk.queue(work(1, 1, desk.now)))[0];
    assert_eq!(first.agent, agent(1));
    let effects = assign(&mut desk, 1, to(3));
    assert_eq!(ends(&effects), [(first.id, OfferEnd::Withdrawn)]);
    let made = offers(&effects);
    assert_eq!((made.len(), made[0].agent), (1, agent(3)));
    assert_eq!(assign(&mut desk, 1, to(3)), [], "they are asked already");
    // Who does not answer loses it, and it goes on as usual.
    let lapsed = desk.pass_until(made[0].expires_at);
    assert_eq!(offers(&lapsed).first().map(|o| o.agent), Some(agent(1)));
}

#[test]
fn work_that_is_forced_is_in_the_agents_hands_at_once() {
    let mut desk = Desk::with_agents(2);
    desk.queue(work(1, 1, desk.now));
    let effects = assign(&mut desk, 1, forced(2));
    let accepted = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Accepted { offer, .. } if offer.agent == agent(2)));
    assert!(accepted, "{effects:?}");
    let held = desk.engine.item(item(1)).unwrap();
    assert!(matches!(held.state, WorkState::Accepted { agent: theirs, .. } if theirs == agent(2)));
    assert_eq!(
        refused(&assign(&mut desk, 1, to(1))),
        Some(Refusal::WorkAccepted)
    );
}

#[test]
fn what_keeps_work_from_an_agent_is_told() {
    let mut desk = Desk::with_agents(2);
    let skilled = WorkItem {
        skills: skills(&["dutch"]),
        ..work(9, 1, desk.now)
    };
    desk.queue(skilled);
    assert_eq!(
        refused(&assign(&mut desk, 9, to(7))),
        Some(Refusal::AgentUnknown)
    );
    assert_eq!(
        refused(&assign(&mut desk, 8, to(1))),
        Some(Refusal::WorkNotOpen)
    );
    assert_eq!(
        refused(&assign(&mut desk, 9, to(1))),
        Some(Refusal::SkillsMissing)
    );
    let unskilled = Handing {
        without_skills: true,
        ..to(1)
    };
    assert_eq!(offers(&assign(&mut desk, 9, unskilled)).len(), 1);
    assert_eq!(
        refused(&release(&mut desk, 9, None)),
        Some(Refusal::WorkNotAccepted)
    );

    desk.queue(work(2, 1, desk.now));
    assert_eq!(desk.offer_for(2).unwrap().agent, agent(2));
    desk.queue(work(3, 1, desk.now));
    for n in [1, 2] {
        assert_eq!(
            refused(&assign(&mut desk, 3, to(n))),
            Some(Refusal::NoCapacity)
        );
    }
    set(&mut desk, 2, Status::Away);
    assert_eq!(
        refused(&assign(&mut desk, 3, to(2))),
        Some(Refusal::AgentNotAvailable)
    );
    assert!(
        refused(&assign(&mut desk, 3, forced(2))).is_none(),
        "away, but there"
    );
    set(&mut desk, 2, Status::Offline);
    let beyond = Handing {
        over_capacity: true,
        ..forced(2)
    };
    assert_eq!(
        refused(&assign(&mut desk, 2, beyond)),
        Some(Refusal::AgentNotAvailable)
    );
    desk.step(Input::StreamClosed {
        agent: agent(2),
        stream: 1,
    });
    assert_eq!(
        refused(&assign(&mut desk, 2, beyond)),
        Some(Refusal::AgentNotPresent)
    );
}

#[test]
fn who_has_more_than_they_take_has_it_by_hand_and_gets_no_more_by_itself() {
    let mut desk = Desk::with_agents(1);
    let first = offers(&desk.queue(work(1, 1, desk.now)))[0];
    desk.accept(first);
    desk.queue(work(2, 1, desk.now));
    let beyond = Handing {
        over_capacity: true,
        ..forced(1)
    };
    assign(&mut desk, 2, beyond);
    let beyond = |desk: &Desk, n| desk.engine.item(item(n)).unwrap().figures.over_capacity;
    assert!(beyond(&desk, 2) && !beyond(&desk, 1));
    desk.queue(work(3, 1, desk.now));
    desk.complete(item(1), agent(1));
    desk.pass_until(desk.now + Duration::from_secs(10));
    assert_eq!(
        desk.offer_for(3),
        None,
        "one is in hand, as many as they take"
    );
    // Taken out of their hands it is as any other.
    release(&mut desk, 2, None);
    assert!(!beyond(&desk, 2));
    assert!(desk.offer_for(3).is_some());
}

#[test]
fn work_that_is_moved_out_of_an_agents_hands_keeps_its_age_and_goes_to_somebody_else() {
    let mut desk = Desk::with_agents(0);
    desk.step(Input::QueueChanged(terms(2)));
    desk.hire(profile(1, &[1, 2], &[]));
    let came = desk.now;
    let offer = offers(&desk.queue(work(1, 1, came)))[0];
    desk.accept(offer);
    desk.now = secs(40);
    let moved = |to: u128| Input::WorkMoved {
        item: item(1),
        queue: queue(to),
        skills: skills(&[]),
        priority: crate::domain::Priority::High,
    };
    assert_eq!(refused(&desk.step(moved(7))), Some(Refusal::QueueUnknown));
    let effects = desk.step(moved(2));
    assert!(effects.contains(&Effect::Released {
        item: item(1),
        agent: agent(1)
    }));
    assert!(offers(&effects).is_empty(), "not to whom it was taken from");
    let held = desk.engine.item(item(1)).unwrap();
    assert_eq!((held.queue, held.queued_at), (queue(2), came));
    assert_eq!(held.figures.handled_before, Duration::from_secs(40));
    desk.hire(profile(2, &[2], &[]));
    assert_eq!(desk.offer_for(1).map(|offer| offer.agent), Some(agent(2)));
    // Nobody else took it: after a pause the first may be asked again.
    set(&mut desk, 2, Status::Offline);
    let effects = desk.pass_until(secs(70));
    assert_eq!(offers(&effects).first().map(|o| o.agent), Some(agent(1)));
}

#[test]
fn work_is_taken_from_one_agent_and_given_to_another() {
    let mut desk = Desk::with_agents(2);
    let offer = offers(&desk.queue(work(1, 1, desk.now)))[0];
    desk.accept(offer);
    assert_eq!(
        refused(&release(&mut desk, 1, Some(to(1)))),
        Some(Refusal::HasIt)
    );
    let effects = release(&mut desk, 1, Some(forced(2)));
    let agents: Vec<_> = offers(&effects).iter().map(|o| o.agent).collect();
    assert_eq!(agents, [agent(2)]);
    let held = desk.engine.item(item(1)).unwrap();
    assert!(matches!(held.state, WorkState::Accepted { agent: theirs, .. } if theirs == agent(2)));
    assert_eq!(
        held.figures.answered.unwrap().at,
        offer.made_at,
        "the first answer counts"
    );
}

#[test]
fn a_contact_that_is_over_is_taken_from_nobody() {
    let mut desk = Desk::with_agents(2);
    for n in [1, 2] {
        let offer = offers(&desk.queue(work(n, 1, desk.now)))[0];
        desk.accept(offer);
    }
    desk.complete(item(1), agent(1));
    desk.step(Input::WorkItemWithdrawn {
        item: item(2),
        abandoned: true,
    });
    for n in [1, 2] {
        assert_eq!(
            refused(&release(&mut desk, n, None)),
            Some(Refusal::ContactOver)
        );
        let moved = Input::WorkMoved {
            item: item(n),
            queue: queue(1),
            skills: skills(&[]),
            priority: crate::domain::Priority::High,
        };
        assert_eq!(refused(&desk.step(moved)), Some(Refusal::ContactOver));
    }
}

#[test]
fn other_channels_are_no_hindrance() {
    let mut desk = Desk::with_agents(1);
    desk.queue(work(1, 1, desk.now));
    let chat = WorkItem {
        channel: Channel::Chat,
        ..work(2, 1, desk.now)
    };
    desk.queue(chat);
    let offer = desk.offer_for(2).unwrap();
    desk.step(Input::OfferRejected {
        offer: offer.id,
        agent: agent(1),
    });
    assert_eq!(desk.offer_for(2), None, "they said no");
    assert_eq!(
        offers(&assign(&mut desk, 2, to(1))).len(),
        1,
        "and are told to"
    );
}
