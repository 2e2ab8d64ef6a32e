//! Work that is offered to several at once.

use std::time::Duration;

use super::desk::*;
use crate::domain::engine::{Effect, Engine, Handing, Input, Refusal, Settings, Terms};
use crate::domain::policy::Route;
use crate::domain::{AgentState, Discipline, OfferEnd, Skills, Status, WorkItem, WorkState};

fn to(desk: &mut Desk, broadcast: u8) -> Vec<Effect> {
    desk.step(Input::QueueChanged(Terms {
        discipline: Discipline {
            broadcast,
            ..Discipline::default()
        },
        ..terms(1)
    }))
}

/// Agents 1..=n, and a queue that offers to so many at once.
fn desk(n: u128, broadcast: u8) -> Desk {
    let mut desk = Desk::with_agents(n);
    to(&mut desk, broadcast);
    desk
}

fn asked(desk: &Desk, n: u128) -> Vec<u128> {
    let work = desk.engine.item(item(n));
    let agents = work.into_iter().flat_map(WorkItem::agents);
    let mut agents: Vec<u128> = agents.map(|agent| agent.uuid().as_u128()).collect();
    agents.sort_unstable();
    agents
}

fn offer_to(desk: &Desk, n: u128, to: u128) -> crate::domain::Offer {
    let work = desk.engine.item(item(n)).unwrap();
    *work.offer_to(agent(to)).unwrap()
}

#[test]
fn the_first_who_accepts_has_it_and_the_others_are_free_again() {
    let mut desk = desk(4, 3);
    desk.queue(work(1, 1, desk.now));
    assert_eq!(asked(&desk, 1), [1, 2, 3]);
    // Each offer takes capacity: there is one left for the next, and none for who comes after.
    desk.queue(work(2, 1, desk.now));
    desk.queue(work(3, 1, desk.now));
    assert_eq!((asked(&desk, 2), asked(&desk, 3)), (vec![4], vec![]));
    let state = |n| desk.engine.at_work(agent(n)).unwrap().state;
    assert_eq!([1, 2, 3].map(state), [AgentState::Offered; 3]);

    let (second, third) = (offer_to(&desk, 1, 2), offer_to(&desk, 1, 3));
    let effects = desk.accept(second);
    let mut lost = ends(&effects);
    lost.sort_unstable();
    let mut expected = vec![
        (third.id, OfferEnd::Taken),
        (offers_of(&effects, 1), OfferEnd::Taken),
    ];
    expected.sort_unstable();
    assert_eq!(lost, expected);
    assert!(matches!(
        desk.engine.item(item(1)).unwrap().state,
        WorkState::Accepted { agent: by, .. } if by == agent(2)
    ));
    // Who lost is asked for what waits.
    assert_eq!(asked(&desk, 3), [1, 3]);
    assert_eq!(
        desk.accept(third),
        [Effect::Refused(Refusal::OfferNotOut)],
        "too late"
    );
}

/// The offer to an agent that ended.
fn offers_of(effects: &[Effect], n: u128) -> rapport_foundation::id::OfferId {
    let ended = effects.iter().find_map(|effect| match effect {
        Effect::OfferEnded { offer, .. } if offer.agent == agent(n) => Some(offer.id),
        _ => None,
    });
    ended.unwrap()
}

#[test]
fn who_says_no_is_replaced_and_the_last_one_puts_it_back() {
    let mut desk = desk(3, 2);
    desk.queue(work(1, 1, desk.now));
    assert_eq!(asked(&desk, 1), [1, 2]);
    let reject = |desk: &mut Desk, n| {
        let offer = offer_to(desk, 1, n);
        desk.step(Input::OfferRejected {
            offer: offer.id,
            agent: agent(n),
        });
    };
    reject(&mut desk, 1);
    assert_eq!(asked(&desk, 1), [2, 3]);
    reject(&mut desk, 2);
    assert_eq!(asked(&desk, 1), [3]);
    reject(&mut desk, 3);
    assert_eq!(desk.engine.item(item(1)).unwrap().state, WorkState::Waiting);
    assert_eq!(desk.engine.waiting(), 1);
}

#[test]
fn all_offers_lapse_and_whoever_goes_away_leaves_the_others_theirs() {
    let mut desk = desk(3, 3);
    desk.queue(work(1, 1, desk.now));
    desk.step(Input::StatusSet {
        agent: agent(1),
        status: Status::Away,
        reason: None,
    });
    assert_eq!(asked(&desk, 1), [2, 3]);
    let until = offer_to(&desk, 1, 2).expires_at;
    let lapsed = desk.pass_until(until);
    assert_eq!(ends(&lapsed).len(), 2);
    // Nobody in particular was asked: it goes to both again.
    for n in [2, 3] {
        let standing = desk.engine.standing(agent(n)).unwrap();
        assert_eq!(
            (standing.status, standing.lapsed_offers),
            (Status::Available, 0)
        );
    }
    assert_eq!(asked(&desk, 1), [2, 3]);
}

#[test]
fn who_is_the_only_one_asked_and_does_not_answer_is_not_responding() {
    let mut desk = desk(2, 3);
    desk.queue(work(1, 1, desk.now));
    desk.step(Input::StatusSet {
        agent: agent(1),
        status: Status::Away,
        reason: None,
    });
    assert_eq!(asked(&desk, 1), [2]);
    let until = offer_to(&desk, 1, 2).expires_at;
    desk.pass_until(until);
    assert_eq!(desk.engine.waiting(), 1);
    let status = desk.engine.standing(agent(2)).unwrap().status;
    assert_eq!(status, Status::NotResponding);
}

#[test]
fn the_customer_who_leaves_ends_every_offer() {
    let mut desk = desk(3, 3);
    desk.queue(work(1, 1, desk.now));
    let effects = desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    assert_eq!(ends(&effects).len(), 3);
    desk.queue(work(2, 1, desk.now));
    assert_eq!(asked(&desk, 2), [1, 2, 3]);
}

#[test]
fn what_goes_to_one_by_hand_is_out_to_nobody_else() {
    let mut desk = desk(3, 3);
    desk.queue(work(1, 1, desk.now));
    desk.step(Input::WorkAssigned {
        item: item(1),
        to: Handing {
            agent: agent(3),
            forced: true,
            over_capacity: false,
            without_skills: false,
        },
    });
    let work = desk.engine.item(item(1)).unwrap();
    assert_eq!((work.agent(), work.offers().count()), (Some(agent(3)), 0));
}

#[test]
fn when_a_queue_offers_to_fewer_the_rest_is_taken_back() {
    let mut desk = desk(4, 4);
    desk.queue(work(1, 1, desk.now));
    assert_eq!(asked(&desk, 1).len(), 4);
    assert_eq!(ends(&to(&mut desk, 2)).len(), 2);
    assert_eq!(asked(&desk, 1).len(), 2);
    assert_eq!(ends(&to(&mut desk, 0)).len(), 1);
    assert_eq!(asked(&desk, 1).len(), 1);
}

#[test]
fn a_new_owner_keeps_every_offer_until_it_lapses() {
    let mut desk = desk(3, 2);
    desk.queue(work(1, 1, desk.now));
    let before = desk.engine.snapshot();
    desk.engine = Engine::restore(Settings::default(), before.clone(), desk.now);
    desk.engine.check().unwrap();
    assert_eq!(desk.engine.snapshot().items, before.items);
    desk.now += Duration::from_secs(1);
    let second = offer_to(&desk, 1, 2);
    desk.step(Input::StreamOpened {
        agent: agent(2),
        stream: 7,
    });
    let effects = desk.accept(second);
    assert_eq!(ends(&effects), [(offers_of(&effects, 1), OfferEnd::Taken)]);
}

#[test]
fn work_whose_offer_is_kept_in_another_queue_is_offered_to_as_many_as_that_says() {
    let mut desk = desk(3, 3);
    desk.step(Input::QueueChanged(terms(2)));
    for (n, queues) in [(1, &[1, 2][..]), (2, &[1]), (3, &[1])] {
        desk.step(Input::AgentChanged(profile(n, queues, &[])));
    }
    let legs = vec![leg(2, 5, false), leg(1, 0, false)];
    let route = Route::new(Skills::new(), legs, 0, desk.now);
    desk.queue(WorkItem {
        route: Some(Box::new(route)),
        ..work(1, 2, desk.now)
    });
    assert_eq!(asked(&desk, 1), [1]);
    let kept = offer_to(&desk, 1, 1);
    desk.pass_until(desk.now + Duration::from_secs(5));
    assert_eq!(asked(&desk, 1), [1, 2, 3]);
    assert_eq!(offer_to(&desk, 1, 1), kept);
}
