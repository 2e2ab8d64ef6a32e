//! An agent who is asked again is asked for what is first by then.

use super::desk::*;
use crate::domain::engine::{Input, Terms};
use crate::domain::{Priority, Skills, WorkItem};

/// An urgent item that came while another was out as an offer to the only agent.
fn urgent_came_later(desk: &mut Desk) {
    desk.step(Input::QueueChanged(Terms {
        max_lapsed_offers: 2,
        ..terms(1)
    }));
    desk.queue(work(1, 1, desk.now));
    desk.queue(WorkItem {
        priority: Priority::Urgent,
        ..work(2, 1, desk.now)
    });
    assert!(desk.offer_for(1).is_some() && desk.offer_for(2).is_none());
}

#[test]
fn who_let_an_offer_lapse_is_asked_for_the_urgent_that_came_meanwhile() {
    let mut desk = Desk::with_agents(1);
    urgent_came_later(&mut desk);
    let effects = desk.pass_until(desk.offer_for(1).unwrap().expires_at);
    let made: Vec<_> = offers(&effects).iter().map(|offer| offer.item).collect();
    assert_eq!(made, [item(2)]);
}

#[test]
fn who_loses_an_offer_to_a_change_is_asked_for_the_urgent_that_came_meanwhile() {
    let mut desk = Desk::with_agents(0);
    desk.step(Input::QueueChanged(terms(2)));
    desk.hire(profile(1, &[1, 2], &[]));
    urgent_came_later(&mut desk);
    let effects = desk.step(Input::WorkItemChanged {
        item: item(1),
        queue: queue(2),
        skills: Skills::new(),
        priority: Priority::Low,
    });
    let made: Vec<_> = offers(&effects).iter().map(|offer| offer.item).collect();
    assert_eq!(made, [item(2)]);
}
