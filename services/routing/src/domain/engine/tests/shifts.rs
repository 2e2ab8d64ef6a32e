//! Who is offered work in and outside of their shifts.

use rapport_foundation::time::Micros;

use super::desk::*;
use crate::domain::engine::{Engine, Hindrance, Input, Profile, Settings, Vacancy};
use crate::domain::{Adherence, Channel, Skills, Status, WorkState};

fn open(desk: &mut Desk, minutes: &[(u16, u16)]) {
    desk.step(Input::CalendarChanged {
        calendar: calendar(1),
        hours: Box::new(hours(minutes)),
    });
}

/// An agent whose shift is from the tenth to the twentieth minute, and what is set up before it.
fn desk() -> Desk {
    let mut desk = Desk::with_agents(0);
    open(&mut desk, &[(10, 20)]);
    desk.hire(Profile {
        shifts: Some(calendar(1)),
        ..profile(1, &[1], &[])
    });
    desk
}

fn minute(n: u64) -> Micros {
    secs(n * 60)
}

fn available(desk: &mut Desk) {
    desk.step(Input::StatusSet {
        agent: agent(1),
        status: Status::Available,
        reason: None,
    });
}

fn adherence(desk: &Desk) -> Option<Adherence> {
    let at_work = desk.engine.at_work(agent(1)).unwrap();
    at_work.standing.adherence(at_work.state)
}

#[test]
fn in_their_shift_an_agent_is_offered_work_and_outside_of_it_only_when_they_say_so() {
    let mut desk = desk();
    // They said that they take work before their shift begins.
    assert_eq!(adherence(&desk), Some(Adherence::Overtime));
    desk.pass_until(minute(10));
    assert_eq!(adherence(&desk), Some(Adherence::OnShift));
    desk.queue(work(1, 1, desk.now));
    desk.queue(work(2, 1, desk.now));
    let offer = desk.offer_for(1).unwrap();
    desk.accept(offer);
    desk.pass_until(minute(20));
    // What they have they finish; it gets them nothing new.
    assert_eq!(adherence(&desk), Some(Adherence::Overtime));
    desk.complete(item(1), agent(1));
    desk.pass_until(minute(21));
    assert_eq!(adherence(&desk), Some(Adherence::OffShift));
    assert_eq!(desk.engine.item(item(2)).unwrap().state, WorkState::Waiting);
    let staffed = |desk: &Desk| {
        desk.engine
            .is_staffed(queue(1), Some(Channel::Phone), &Skills::new())
    };
    assert!(!staffed(&desk));
    let candidates = desk.engine.candidates(Vacancy {
        queue: queue(1),
        channel: Some(Channel::Phone),
        skills: &Skills::new(),
        declines: &[],
        agents: &[],
        kept: None,
        paused_until: None,
    });
    assert_eq!(candidates[0].hindrances, [Hindrance::OffShift]);
    available(&mut desk);
    assert_eq!(desk.offer_for(2).unwrap().agent, agent(1));
    assert!(staffed(&desk));
}

#[test]
fn an_offer_that_is_out_when_the_shift_ends_goes_to_who_is_there() {
    let mut desk = desk();
    desk.pass_until(Micros(minute(20).0 - 5_000_000));
    desk.queue(work(1, 1, desk.now));
    assert_eq!(desk.offer_for(1).unwrap().agent, agent(1));
    desk.hire(profile(2, &[1], &[]));
    desk.pass_until(minute(20));
    assert_eq!(desk.offer_for(1).unwrap().agent, agent(2));
    let standing = desk.engine.standing(agent(1)).unwrap();
    assert_eq!(
        (standing.status, standing.lapsed_offers),
        (Status::Available, 0)
    );
}

#[test]
fn what_they_said_outside_of_a_shift_holds_until_the_next_one_begins() {
    let mut desk = desk();
    available(&mut desk);
    desk.pass_until(minute(20));
    desk.queue(work(1, 1, desk.now));
    assert_eq!(desk.offer_for(1), None);
}

#[test]
fn who_is_on_shift_and_not_there_is_missing() {
    let mut desk = desk();
    desk.pass_until(minute(12));
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    assert_eq!(adherence(&desk), Some(Adherence::Missing));
}

#[test]
fn other_hours_hold_at_once_and_without_a_schedule_none_do() {
    let mut desk = desk();
    desk.pass_until(minute(15));
    desk.queue(work(1, 1, desk.now));
    let offer = desk.offer_for(1).unwrap();
    desk.accept(offer);
    desk.queue(work(2, 1, desk.now));
    open(&mut desk, &[(30, 40)]);
    desk.complete(item(1), agent(1));
    desk.pass_until(minute(16));
    assert_eq!(desk.offer_for(2), None);
    desk.step(Input::AgentChanged(profile(1, &[1], &[])));
    assert_eq!(desk.offer_for(2).unwrap().agent, agent(1));
    assert_eq!(adherence(&desk), None);
}

#[test]
fn a_turn_that_nobody_was_there_for_is_made_by_the_next_owner() {
    let mut desk = desk();
    desk.pass_until(minute(15));
    let snapshot = desk.engine.snapshot();
    desk.now = minute(25);
    desk.engine = Engine::restore(Settings::default(), snapshot, desk.now);
    desk.step(Input::StreamOpened {
        agent: agent(1),
        stream: 2,
    });
    desk.queue(work(1, 1, desk.now));
    assert_eq!(desk.offer_for(1), None);
    assert_eq!(adherence(&desk), Some(Adherence::OffShift));
}
