//! Work that is put aside, wrap-up that lasts longer, and channels that share one capacity.

use std::time::Duration;

use super::desk::*;
use crate::domain::engine::{Effect, Input, Refusal};
use crate::domain::{Capacity, Channel, ChannelCapacity, OfferEnd, WorkItem, WorkState};

fn mail(n: u128) -> WorkItem {
    WorkItem {
        channel: Channel::Email,
        ..work(n, 1, secs(1))
    }
}

/// An agent with one mail, which they accepted.
fn with_a_mail() -> Desk {
    let mut desk = Desk::with_agents(1);
    let offer = offers(&desk.queue(mail(1)))[0];
    desk.accept(offer);
    desk
}

fn park(desk: &mut Desk, n: u128, seconds: u64) -> Vec<Effect> {
    let until = desk.now + Duration::from_secs(seconds);
    desk.step(Input::WorkParked {
        item: item(n),
        agent: agent(1),
        until,
    })
}

fn parked(desk: &Desk, n: u128) -> bool {
    desk.engine.item(item(n)).unwrap().parked().is_some()
}

#[test]
fn what_is_parked_takes_no_capacity_and_comes_back_by_time() {
    let mut desk = with_a_mail();
    assert!(offers(&desk.queue(mail(2))).is_empty(), "one mail at once");
    let effects = park(&mut desk, 1, 600);
    let next = offers(&effects)[0];
    assert_eq!((next.item, next.agent), (item(2), agent(1)));
    desk.accept(next);
    desk.pass_until(desk.now + Duration::from_secs(600));
    let back = desk.engine.item(item(1)).unwrap();
    assert_eq!(back.parked(), None);
    assert_eq!(back.agent(), Some(agent(1)));
    assert!(back.figures.over_capacity, "their hands were full");
    assert_eq!(back.figures.parked_before, Duration::from_secs(600));
}

#[test]
fn a_customer_who_writes_brings_back_what_is_parked_of_their_ticket() {
    let mut desk = with_a_mail();
    park(&mut desk, 1, 600);
    desk.step(Input::CustomerWrote(ticket(2)));
    assert!(parked(&desk, 1), "another's ticket");
    desk.step(Input::CustomerWrote(ticket(1)));
    assert!(!parked(&desk, 1));
    let back = desk.engine.item(item(1)).unwrap();
    assert!(!back.figures.over_capacity, "there was room");
}

#[test]
fn who_goes_home_keeps_what_they_parked_until_its_time_is_over() {
    let mut desk = with_a_mail();
    park(&mut desk, 1, 600);
    let effects = desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    assert!(offers(&effects).is_empty());
    desk.pass_until(desk.now + Duration::from_secs(300));
    assert_eq!(desk.engine.item(item(1)).unwrap().agent(), Some(agent(1)));
    desk.hire(profile(2, &[1], &[]));
    let effects = desk.pass_until(desk.now + Duration::from_secs(301));
    assert_eq!(
        offers(&effects).first().map(|o| (o.item, o.agent)),
        Some((item(1), agent(2)))
    );
}

#[test]
fn parked_time_is_nobodys_and_what_is_completed_is_no_longer_parked() {
    let mut desk = with_a_mail();
    let began = desk.now;
    desk.pass_until(began + Duration::from_secs(30));
    park(&mut desk, 1, 600);
    desk.pass_until(began + Duration::from_secs(130));
    let effects = desk.complete(item(1), agent(1));
    assert!(!effects.iter().any(|e| matches!(e, Effect::Refused(_))));
    let effects = desk.pass_until(desk.now + Duration::from_secs(10));
    let handle = effects.iter().find_map(|effect| match effect {
        Effect::Completed { handle, .. } => Some(*handle),
        _ => None,
    });
    assert_eq!(handle, Some(Duration::from_secs(40)));
}

#[test]
fn what_is_parked_once_more_comes_back_at_the_new_time() {
    let mut desk = with_a_mail();
    park(&mut desk, 1, 60);
    desk.pass_until(desk.now + Duration::from_secs(30));
    park(&mut desk, 1, 300);
    desk.pass_until(desk.now + Duration::from_secs(299));
    assert!(parked(&desk, 1));
    desk.pass_until(desk.now + Duration::from_secs(1));
    assert!(!parked(&desk, 1));
}

#[test]
fn nobody_is_parked_who_is_on_the_line() {
    let mut desk = Desk::with_agents(1);
    let call = offers(&desk.queue(work(1, 1, desk.now)))[0];
    assert_eq!(
        park(&mut desk, 1, 60),
        [Effect::Refused(Refusal::WorkNotAccepted)]
    );
    desk.accept(call);
    assert_eq!(
        park(&mut desk, 1, 60),
        [Effect::Refused(Refusal::ContactLive)]
    );
    let unpark = Input::WorkUnparked {
        item: item(1),
        agent: agent(1),
    };
    assert_eq!(desk.step(unpark), [Effect::Refused(Refusal::NotParked)]);
}

#[test]
fn wrap_up_lasts_as_long_as_its_queue_lets_it() {
    let mut desk = Desk::with_agents(1);
    let call = offers(&desk.queue(work(1, 1, desk.now)))[0];
    desk.accept(call);
    desk.complete(call.item, agent(1));
    let ends = desk.now + Duration::from_secs(10);
    let extend = |desk: &mut Desk, seconds| {
        desk.step(Input::WrapUpExtended {
            item: item(1),
            agent: agent(1),
            by: Duration::from_secs(seconds),
        })
    };
    extend(&mut desk, 20);
    desk.pass_until(ends + Duration::from_secs(19));
    let wraps_up = |desk: &Desk| {
        let work = desk.engine.item(item(1));
        work.is_some_and(|work| matches!(work.state, WorkState::WrappingUp { .. }))
    };
    assert!(wraps_up(&desk));
    // 45 seconds at most.
    extend(&mut desk, 600);
    assert_eq!(
        extend(&mut desk, 1),
        [Effect::Refused(Refusal::WrapUpTooLong)]
    );
    desk.pass_until(ends + Duration::from_secs(34));
    assert!(wraps_up(&desk));
    desk.pass_until(ends + Duration::from_secs(35));
    assert!(!wraps_up(&desk));
}

#[test]
fn a_call_comes_between_mails_and_nothing_comes_beside_a_call() {
    let mut desk = Desk::with_agents(0);
    let mut blended = profile(1, &[1], &[]);
    blended.capacity = Capacity {
        named: vec![
            ChannelCapacity::of(Channel::Chat, 3),
            ChannelCapacity {
                weight: 4,
                ..ChannelCapacity::of(Channel::Phone, 1)
            },
            ChannelCapacity {
                interrupted_by: [Channel::Phone].into(),
                ..ChannelCapacity::of(Channel::Email, 2)
            },
        ],
        total: Some(4),
        ..Capacity::of_each(1, desk.now)
    };
    desk.hire(blended.clone());
    let chat = |n| WorkItem {
        channel: Channel::Chat,
        ..work(n, 1, secs(1))
    };
    let offered = |effects: &[Effect]| offers(effects).first().map(|offer| offer.item);
    assert_eq!(offered(&desk.queue(mail(1))), Some(item(1)));
    assert_eq!(offered(&desk.queue(work(2, 1, desk.now))), Some(item(2)));
    assert_eq!(offered(&desk.queue(chat(3))), None, "they are on the phone");
    let call = desk.offer_for(2).unwrap();
    desk.accept(call);
    let effects = desk.step(Input::WorkCompleted {
        item: call.item,
        agent: agent(1),
        disposition: None,
        skip_wrap_up: true,
    });
    assert_eq!(offered(&effects), Some(item(3)), "it waited for the call");
    assert_eq!(offered(&desk.queue(chat(4))), Some(item(4)));
    assert_eq!(
        offered(&desk.queue(work(5, 1, desk.now))),
        None,
        "two chats"
    );
    assert_eq!(offered(&desk.queue(chat(6))), Some(item(6)));
    assert_eq!(offered(&desk.queue(mail(7))), None, "the total is in use");

    // With less room the newest offers are taken back until what is left has room.
    blended.capacity.total = Some(2);
    blended.capacity.since = desk.now;
    let effects = desk.step(Input::AgentChanged(blended));
    let back: Vec<_> = ends(&effects).iter().map(|end| end.1).collect();
    assert_eq!(back, [OfferEnd::Withdrawn; 2]);
}
