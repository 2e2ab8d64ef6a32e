//! Work that goes from target to target, and who comes into question for it.

use std::time::Duration;

use super::desk::*;
use crate::domain::engine::{Engine, Hindrance, Input, Settings, Vacancy};
use crate::domain::policy::{Leg, Route};
use crate::domain::{Channel, Kept, OfferEnd, Priority, Skills, Status, WorkItem, WorkState};

fn routed(n: u128, desk: &Desk, own: &[&str], legs: Vec<Leg>) -> WorkItem {
    let route = Route::new(skills(own), legs, 0, desk.now);
    let plain = work(n, 1, desk.now);
    WorkItem {
        queue: route.leg().unwrap().queue,
        skills: route.skills(),
        priority: route.priority(plain.priority),
        route: Some(Box::new(route)),
        ..plain
    }
}

fn at_leg(desk: &Desk, n: u128) -> (usize, Priority) {
    let work = desk.engine.item(item(n)).unwrap();
    (work.route.as_ref().unwrap().place(), work.priority)
}

/// Nobody in queue 1, agent 1 in queue 2.
fn two_queues() -> Desk {
    let mut desk = Desk::with_agents(0);
    desk.step(Input::QueueChanged(terms(2)));
    desk.hire(profile(1, &[2], &[]));
    desk
}

#[test]
fn what_nobody_accepts_goes_on_and_keeps_its_age() {
    let mut desk = two_queues();
    let second = Leg {
        raise_to: Some(Priority::Urgent),
        ..leg(2, 0, false)
    };
    desk.queue(routed(1, &desk, &[], vec![leg(1, 30, false), second]));
    assert_eq!(offers(&desk.pass_until(secs(29))), []);
    assert_eq!(at_leg(&desk, 1), (0, Priority::Normal));
    let offered = offers(&desk.pass_until(secs(30)));
    assert_eq!(offered.first().map(|offer| offer.agent), Some(agent(1)));
    assert_eq!(at_leg(&desk, 1), (1, Priority::Urgent));
    let work = desk.engine.item(item(1)).unwrap();
    assert_eq!(work.queued_at, secs(0));
    let visits: Vec<_> = work.route.iter().flat_map(|route| &route.visits).collect();
    assert_eq!(
        visits.iter().map(|visit| visit.at).collect::<Vec<_>>(),
        [secs(0), secs(30)]
    );
}

#[test]
fn skills_are_relaxed_from_target_to_target_to_the_very_second() {
    let mut desk = Desk::with_agents(1);
    let strict = |names, seconds| Leg {
        skills: skills(names),
        ..leg(1, seconds, false)
    };
    let legs = vec![strict(&["a", "b"], 10), strict(&["a"], 10), strict(&[], 0)];
    desk.queue(routed(1, &desk, &[], legs));
    assert_eq!(
        desk.engine.next_deadline(),
        Some(desk.now + Duration::from_secs(10))
    );
    let start = desk.now;
    assert_eq!(
        offers(&desk.pass_until(start + Duration::from_secs(19))),
        []
    );
    assert_eq!(
        offers(&desk.pass_until(start + Duration::from_secs(20))).len(),
        1
    );
}

#[test]
fn an_offer_that_is_out_stays_when_its_agent_may_take_the_next_target_too() {
    let mut desk = two_queues();
    desk.hire(profile(2, &[1], &[]));
    let legs = vec![leg(1, 5, false), leg(1, 5, false), leg(2, 0, false)];
    let offered = offers(&desk.queue(routed(1, &desk, &[], legs)));
    assert_eq!(ends(&desk.pass_until(secs(5) + Duration::from_secs(1))), []);
    assert_eq!(
        (at_leg(&desk, 1).0, desk.offer_for(1)),
        (1, Some(offered[0]))
    );
    // The next one is not theirs.
    let effects = desk.pass_until(secs(12));
    assert_eq!(ends(&effects), [(offered[0].id, OfferEnd::Withdrawn)]);
    assert_eq!(desk.offer_for(1).map(|offer| offer.agent), Some(agent(1)));
}

#[test]
fn accepted_work_goes_nowhere_and_waits_anew_when_its_agent_does_not_return() {
    let mut desk = Desk::with_agents(1);
    desk.step(Input::QueueChanged(terms(2)));
    desk.queue(routed(
        1,
        &desk,
        &[],
        vec![leg(1, 5, false), leg(2, 0, false)],
    ));
    desk.accept(desk.offer_for(1).unwrap());
    desk.pass_until(secs(60));
    assert_eq!(at_leg(&desk, 1).0, 0);
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    desk.pass_until(secs(120));
    assert_eq!(at_leg(&desk, 1).0, 0);
    desk.pass_until(secs(125));
    let work = desk.engine.item(item(1)).unwrap();
    assert_eq!((work.queue, &work.state), (queue(2), &WorkState::Waiting));
    assert_eq!(desk.engine.next_deadline(), None);
}

#[test]
fn who_is_nowhere_at_work_is_passed_over_but_for_the_last() {
    let mut desk = two_queues();
    let legs = [leg(1, 0, true), leg(2, 0, true), leg(1, 0, true)];
    let first = |desk: &Desk, own: &[&str]| {
        desk.engine
            .first_leg(&legs, &skills(own), Some(Channel::Phone), 0)
    };
    assert_eq!(first(&desk, &[]), 1);
    assert_eq!(first(&desk, &["a"]), 2);
    for (status, leg) in [
        (Status::Away, 1),
        (Status::Offline, 2),
        (Status::Available, 1),
    ] {
        desk.step(Input::StatusSet {
            agent: agent(1),
            status,
            reason: None,
        });
        assert_eq!(first(&desk, &[]), leg, "{status:?}");
    }
    // Busy is at work.
    desk.queue(work(9, 2, desk.now));
    desk.accept(desk.offer_for(9).unwrap());
    assert_eq!(first(&desk, &[]), 1);
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    assert_eq!(first(&desk, &[]), 2);
}

#[test]
fn what_is_moved_by_hand_is_on_no_way_any_more_and_what_asks_for_more_stays_on_it() {
    let mut desk = two_queues();
    let legs = || vec![leg(1, 30, false), leg(2, 0, false)];
    desk.queue(routed(1, &desk, &["x"], legs()));
    desk.queue(routed(2, &desk, &["x"], legs()));
    desk.step(Input::WorkItemChanged {
        item: item(1),
        queue: queue(1),
        skills: Skills::new(),
        priority: Priority::Normal,
    });
    desk.step(Input::RoutedWorkChanged {
        item: item(2),
        own: Skills::new(),
        priority: Priority::High,
    });
    desk.pass_until(secs(40));
    let moved = desk.engine.item(item(1)).unwrap();
    assert_eq!((moved.queue, &moved.route), (queue(1), &None));
    let stayed = desk.engine.item(item(2)).unwrap();
    assert_eq!((stayed.queue, stayed.priority), (queue(2), Priority::High));
}

#[test]
fn a_way_goes_on_where_it_stood_when_the_engine_is_rebuilt() {
    let mut desk = two_queues();
    desk.queue(routed(
        1,
        &desk,
        &[],
        vec![leg(1, 30, false), leg(2, 0, false)],
    ));
    let stored = desk.engine.snapshot();
    let mut other = Engine::restore(Settings::default(), stored, secs(45));
    assert_eq!(other.next_deadline(), Some(secs(30)));
    other.step(secs(45), Input::Tick);
    assert_eq!(other.item(item(1)).unwrap().queue, queue(2));
    assert_eq!(other.take_changes().items.len(), 1);
}

#[test]
fn candidates_are_told_in_the_order_they_are_asked_and_the_others_with_all_that_keeps_them() {
    let mut desk = Desk::with_agents(3);
    desk.hire(profile(4, &[1], &["a"]));
    desk.hire(profile(5, &[2], &["a"]));
    desk.step(Input::AgentChanged(profile(6, &[1], &[])));
    desk.queue(work(1, 1, desk.now));
    let offer = desk.offer_for(1).unwrap();
    let told = |desk: &Desk, wanted: &[&str], agent| {
        let work = desk.engine.item(item(1)).unwrap();
        let candidates = desk.engine.candidates(Vacancy {
            queue: queue(1),
            channel: Some(Channel::Phone),
            skills: &skills(wanted),
            declines: &work.declines,
            agents: Option::as_slice(&agent),
            kept: work.kept(),
            paused_until: work.paused_until(),
        });
        candidates
            .into_iter()
            .map(|one| (one.agent, one.hindrances))
            .collect::<Vec<_>>()
    };
    let absent = vec![Hindrance::Status, Hindrance::NotPresent];
    assert_eq!(
        told(&desk, &[], Some(offer.agent)),
        [
            (agent(2), vec![]),
            (agent(3), vec![]),
            (agent(4), vec![]),
            (agent(6), absent.clone()),
            (agent(1), vec![Hindrance::HasIt]),
        ]
    );
    // The first of them is whom the engine asks next.
    desk.step(Input::OfferRejected {
        offer: offer.id,
        agent: agent(1),
    });
    assert_eq!(desk.offer_for(1).map(|offer| offer.agent), Some(agent(2)));
    let missing = || Hindrance::MissingSkills(skills(&["a"]));
    let until = desk.now + Settings::default().decline_pause;
    let told = told(&desk, &["a"], None);
    assert_eq!(told[0], (agent(4), vec![]));
    let theirs = |n| &told.iter().find(|one| one.0 == agent(n)).unwrap().1;
    assert_eq!(theirs(1), &[missing(), Hindrance::Declined(until)]);
    assert_eq!(theirs(2), &[missing(), Hindrance::NoCapacity]);
    assert_eq!(
        theirs(6),
        &[Hindrance::Status, Hindrance::NotPresent, missing()]
    );
    assert!(told.iter().all(|one| one.0 != agent(5)), "of another queue");
}

#[test]
fn what_is_kept_for_one_or_paused_says_so_to_the_others() {
    let mut desk = Desk::with_agents(2);
    let until = desk.now + Duration::from_secs(30);
    let told = |desk: &Desk, kept, paused_until| {
        let candidates = desk.engine.candidates(Vacancy {
            queue: queue(1),
            channel: Some(Channel::Phone),
            skills: &skills(&["a"]),
            declines: &[],
            agents: &[],
            kept,
            paused_until,
        });
        let told = candidates.into_iter();
        told.map(|one| (one.agent, one.hindrances))
            .collect::<Vec<_>>()
    };
    let missing = || Hindrance::MissingSkills(skills(&["a"]));
    let kept = Kept {
        agent: agent(2),
        until,
    };
    assert_eq!(
        told(&desk, Some(kept), None),
        [
            (agent(2), vec![]),
            (agent(1), vec![missing(), Hindrance::KeptForOther(until)]),
        ],
        "whom it is kept for need hold nothing"
    );
    desk.step(Input::AgentChanged(profile(1, &[1], &["a"])));
    assert_eq!(
        told(&desk, None, Some(until)),
        [
            (agent(1), vec![Hindrance::Paused(until)]),
            (agent(2), vec![missing(), Hindrance::Paused(until)]),
        ]
    );
}
