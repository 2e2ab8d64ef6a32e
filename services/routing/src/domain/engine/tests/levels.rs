//! Skills at levels, work that asks for less the longer it waits, and skills that end.

use std::time::Duration;

use super::desk::*;
use crate::domain::engine::{Input, Profile};
use crate::domain::policy::{Leg, Relaxation, Route};
use crate::domain::{Level, WorkItem};

fn asking(n: u128, desk: &Desk, asked: &[&str]) -> WorkItem {
    WorkItem {
        skills: skills(asked),
        ..work(n, 1, desk.now)
    }
}

fn easing(n: u128, desk: &Desk, asked: &[&str], relaxations: Vec<Relaxation>) -> WorkItem {
    let eased = Leg {
        relaxations,
        ..leg(1, 0, false)
    };
    let route = Route::new(skills(asked), vec![eased], 0, desk.now);
    WorkItem {
        skills: route.skills(),
        route: Some(Box::new(route)),
        ..work(n, 1, desk.now)
    }
}

#[test]
fn work_goes_to_who_holds_its_skill_well_enough() {
    let mut desk = Desk::with_agents(0);
    desk.hire(profile(1, &[1], &["dutch:3"]));
    desk.hire(profile(2, &[1], &["dutch:7"]));
    let offered = offers(&desk.queue(asking(1, &desk, &["dutch:4"])));
    assert_eq!(offered.first().map(|offer| offer.agent), Some(agent(2)));
    assert_eq!(offers(&desk.queue(asking(2, &desk, &["dutch:8"]))), []);
    let offered = offers(&desk.queue(asking(3, &desk, &["dutch"])));
    assert_eq!(offered.first().map(|offer| offer.agent), Some(agent(1)));
    // Somebody better comes.
    let effects = desk.step(Input::AgentChanged(profile(1, &[1], &["dutch:8"])));
    assert_eq!(offers(&effects), []);
    desk.accept(desk.offer_for(3).unwrap());
    let effects = desk.complete(item(3), agent(1));
    let offered = offers(&[effects, desk.pass_until(secs(60))].concat());
    assert_eq!(offered.first().map(|offer| offer.item), Some(item(2)));
}

#[test]
fn a_match_becomes_legal_at_its_very_instant() {
    let mut desk = Desk::with_agents(0);
    desk.hire(profile(1, &[1], &["dutch:3"]));
    let start = desk.now;
    let relaxation = Relaxation {
        every: Duration::from_secs(7),
        ..relaxed("dutch", 10)
    };
    desk.queue(easing(1, &desk, &["dutch:5"], vec![relaxation]));
    // 5 until 10 s, 4 until 17 s, then 3.
    let just_before = start + Duration::from_micros(16_999_999);
    assert_eq!(offers(&desk.pass_until(just_before)), []);
    let at = start + Duration::from_secs(17);
    assert_eq!(desk.engine.next_deadline(), Some(at));
    let offered = offers(&desk.pass_until(at));
    assert_eq!(
        offered.first().map(|offer| (offer.agent, offer.made_at)),
        Some((agent(1), at))
    );
    // What is stored still says what was asked for.
    let stored = desk.engine.item(item(1)).unwrap();
    assert_eq!(stored.skills, skills(&["dutch:5"]));
    assert_eq!(stored.asked_for(at), skills(&["dutch:3"]));
}

#[test]
fn what_is_relaxed_ends_at_its_least_and_the_older_goes_first_once_it_suits() {
    let mut desk = Desk::with_agents(0);
    desk.hire(profile(1, &[1], &["dutch:2", "billing"]));
    desk.queue(asking(9, &desk, &[]));
    desk.accept(desk.offer_for(9).unwrap());
    let relaxation = Relaxation {
        down_to: Level::of(2),
        ..relaxed("dutch", 10)
    };
    desk.queue(easing(1, &desk, &["dutch:4"], vec![relaxation.clone()]));
    desk.pass_until(desk.now + Duration::from_secs(1));
    desk.queue(asking(2, &desk, &["billing"]));
    desk.queue(easing(3, &desk, &["dutch:4", "french"], vec![relaxation]));
    desk.pass_until(desk.now + Duration::from_secs(60));
    assert_eq!(desk.engine.next_deadline(), None, "nothing eases for ever");
    desk.complete(item(9), agent(1));
    let effects = desk.pass_until(desk.now + Duration::from_secs(10));
    assert_eq!(
        offers(&effects).first().map(|offer| offer.item),
        Some(item(1))
    );
    assert_eq!(desk.engine.waiting(), 2);
}

#[test]
fn accepted_work_eases_no_more_and_goes_on_from_where_it_was_when_it_comes_back() {
    let mut desk = Desk::with_agents(0);
    desk.hire(profile(1, &[1], &["dutch:5"]));
    let start = desk.now;
    desk.queue(easing(1, &desk, &["dutch:5"], vec![relaxed("dutch", 30)]));
    desk.accept(desk.offer_for(1).unwrap());
    assert_eq!(desk.engine.next_deadline(), None);
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    // The grace is over after a minute: two levels of it have passed.
    desk.pass_until(start + Duration::from_secs(70));
    desk.hire(profile(2, &[1], &["dutch:3"]));
    assert_eq!(desk.offer_for(1).map(|offer| offer.agent), Some(agent(2)));
}

#[test]
fn a_skill_that_ends_brings_no_more_work() {
    let mut desk = Desk::with_agents(0);
    let until = desk.now + Duration::from_secs(30);
    let licensed = Profile {
        skills_until: [("licence".parse().unwrap(), until)].into(),
        ..profile(1, &[1], &["licence", "dutch"])
    };
    desk.hire(licensed.clone());
    let offered = offers(&desk.queue(asking(1, &desk, &["licence"])));
    assert_eq!(offered.len(), 1);
    desk.accept(offered[0]);
    desk.pass_until(until);
    // What they have in hand they finish.
    desk.complete(item(1), agent(1));
    desk.pass_until(until + Duration::from_secs(20));
    assert_eq!(offers(&desk.queue(asking(2, &desk, &["licence"]))), []);
    assert_eq!(offers(&desk.queue(asking(3, &desk, &["dutch"]))).len(), 1);
    // Another setting of theirs brings nothing back, a new term does.
    desk.step(Input::AgentChanged(licensed.clone()));
    assert_eq!(desk.offer_for(2), None);
    let renewed = Profile {
        skills_until: [(
            "licence".parse().unwrap(),
            desk.now + Duration::from_secs(9),
        )]
        .into(),
        capacity: crate::domain::Capacity {
            usual: 2,
            ..licensed.capacity.clone()
        },
        ..licensed
    };
    desk.step(Input::AgentChanged(renewed));
    assert_eq!(desk.offer_for(2).map(|offer| offer.agent), Some(agent(1)));
}
