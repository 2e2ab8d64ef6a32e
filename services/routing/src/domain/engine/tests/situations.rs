//! What agents and customers do on a normal day, and what users of other systems complain of.

use std::time::Duration;

use rapport_foundation::id::OfferId;

use super::desk::*;
use crate::domain::engine::{Effect, Input, Refusal, Terms};
use crate::domain::{
    Capacity, Channel, ChannelCapacity, OfferEnd, Presence, Priority, Status, WorkItem, WorkState,
};

#[test]
fn work_goes_to_the_longest_idle_of_the_free_agents() {
    let mut desk = Desk::with_agents(3);
    for (n, expected) in [(1, 1), (2, 2), (3, 3)] {
        let made = offers(&desk.queue(work(n, 1, desk.now)));
        assert_eq!(made.first().map(|o| o.agent), Some(agent(expected)));
    }
    assert!(offers(&desk.queue(work(4, 1, desk.now))).is_empty());
    assert_eq!(desk.engine.waiting(), 1);
}

#[test]
fn the_more_urgent_goes_first_then_the_oldest_over_all_queues_of_the_agent() {
    let mut desk = Desk::with_agents(0);
    desk.step(Input::QueueChanged(terms(2)));
    desk.queue(work(1, 2, secs(5)));
    desk.queue(work(2, 1, secs(3)));
    desk.queue(work(3, 2, secs(4)));
    desk.queue(WorkItem {
        priority: Priority::Urgent,
        ..work(4, 1, secs(9))
    });
    let mut order = Vec::new();
    desk.now = secs(10);
    desk.hire(profile(1, &[1, 2], &[]));
    while let Some(offer) = (1..=4).find_map(|n| desk.offer_for(n)) {
        order.push(offer.item);
        desk.accept(offer);
        desk.step(Input::WorkCompleted {
            item: offer.item,
            agent: agent(1),
            disposition: None,
            skip_wrap_up: true,
        });
    }
    assert_eq!(order, [item(4), item(2), item(3), item(1)]);
}

#[test]
fn only_an_agent_with_every_required_skill_is_asked() {
    let mut desk = Desk::with_agents(0);
    desk.hire(profile(1, &[1], &["dutch"]));
    desk.hire(profile(2, &[1], &["dutch", "refunds"]));
    desk.hire(profile(3, &[2], &["dutch", "refunds"]));
    let needs = WorkItem {
        skills: skills(&["dutch", "refunds"]),
        ..work(1, 1, desk.now)
    };
    assert_eq!(
        offers(&desk.queue(needs)).first().map(|o| o.agent),
        Some(agent(2))
    );
    let unheard = WorkItem {
        skills: skills(&["klingon"]),
        ..work(2, 1, desk.now)
    };
    assert!(offers(&desk.queue(unheard)).is_empty());
}

#[test]
fn each_channel_has_its_own_capacity() {
    let mut desk = Desk::with_agents(1);
    let chat = |n| WorkItem {
        channel: Channel::Chat,
        ..work(n, 1, secs(1))
    };
    assert_eq!(offers(&desk.queue(chat(1))).len(), 1);
    assert_eq!(offers(&desk.queue(chat(2))).len(), 1);
    assert_eq!(offers(&desk.queue(chat(3))).len(), 0);
    assert_eq!(offers(&desk.queue(work(4, 1, secs(1)))).len(), 1);
}

#[test]
fn a_call_that_ended_in_the_hands_of_an_agent_who_is_gone_is_put_before_nobody_else() {
    let mut desk = Desk::with_agents(2);
    let call = offers(&desk.queue(work(1, 1, desk.now)))[0];
    desk.accept(call);
    desk.step(Input::WorkItemWithdrawn {
        item: call.item,
        abandoned: true,
    });
    let stream = Input::StreamClosed {
        agent: call.agent,
        stream: 1,
    };
    desk.step(stream);
    let effects = desk.pass_until(desk.now + Duration::from_secs(120));
    assert!(offers(&effects).is_empty());
    assert!(desk.engine.item(call.item).is_none(), "it is over");
}

#[test]
fn an_offer_that_lapses_goes_to_the_next_and_the_agent_counts_as_not_responding() {
    let mut desk = Desk::with_agents(2);
    let first = offers(&desk.queue(work(1, 1, desk.now)))[0];
    let effects = desk.pass_until(first.expires_at);
    assert_eq!(ends(&effects), [(first.id, OfferEnd::Expired)]);
    assert_eq!(offers(&effects).first().map(|o| o.agent), Some(agent(2)));
    assert_eq!(
        desk.engine.standing(agent(1)).unwrap().status,
        Status::NotResponding
    );
    let late = desk.accept(first);
    assert_eq!(late, [Effect::Refused(Refusal::OfferNotOut)]);
}

#[test]
fn an_agent_may_let_as_many_offers_lapse_in_a_row_as_the_queue_allows() {
    let mut desk = Desk::with_agents(1);
    desk.step(Input::QueueChanged(Terms {
        max_lapsed_offers: 2,
        ..terms(1)
    }));
    desk.queue(work(1, 1, desk.now));
    desk.pass_until(desk.offer_for(1).unwrap().expires_at);
    assert_eq!(
        desk.engine.standing(agent(1)).unwrap().status,
        Status::Available
    );
    desk.accept(desk.offer_for(1).unwrap());
    assert_eq!(desk.engine.standing(agent(1)).unwrap().lapsed_offers, 0);
}

#[test]
fn an_offer_cannot_be_accepted_at_the_instant_it_lapses() {
    let mut desk = Desk::with_agents(1);
    let offer = offers(&desk.queue(work(1, 1, desk.now)))[0];
    desk.now = offer.expires_at;
    let effects = desk.accept(offer);
    assert_eq!(effects.last(), Some(&Effect::Refused(Refusal::OfferNotOut)));
}

#[test]
fn who_says_no_is_not_asked_again_at_once_but_is_after_a_while() {
    let mut desk = Desk::with_agents(1);
    let offer = offers(&desk.queue(work(1, 1, desk.now)))[0];
    let effects = desk.step(Input::OfferRejected {
        offer: offer.id,
        agent: agent(1),
    });
    assert!(offers(&effects).is_empty());
    let another = desk.queue(work(2, 1, desk.now));
    assert_eq!(offers(&another).len(), 1, "other work is theirs at once");
    desk.step(Input::WorkItemWithdrawn {
        item: item(2),
        abandoned: true,
    });
    let effects = desk.pass_until(desk.now + Duration::from_secs(30));
    assert_eq!(offers(&effects).first().map(|o| o.item), Some(item(1)));
}

#[test]
fn an_offer_is_answered_by_the_agent_it_was_made_to() {
    let mut desk = Desk::with_agents(2);
    let offer = offers(&desk.queue(work(1, 1, desk.now)))[0];
    for input in [
        Input::OfferAccepted {
            offer: offer.id,
            agent: agent(2),
        },
        Input::OfferRejected {
            offer: offer.id,
            agent: agent(2),
        },
    ] {
        assert_eq!(desk.step(input), [Effect::Refused(Refusal::NotTheirs)]);
    }
    let unheard = OfferId::nil();
    let effects = desk.step(Input::OfferAccepted {
        offer: unheard,
        agent: agent(1),
    });
    assert_eq!(effects, [Effect::Refused(Refusal::OfferNotOut)]);
}

#[test]
fn wrap_up_holds_the_agent_until_its_time_or_their_word() {
    let mut desk = Desk::with_agents(1);
    for n in 1..=3 {
        desk.queue(work(n, 1, desk.now));
    }
    desk.accept(desk.offer_for(1).unwrap());
    assert!(
        offers(&desk.complete(item(1), agent(1))).is_empty(),
        "wrap-up holds"
    );
    let effects = desk.pass_until(desk.now + Duration::from_secs(10));
    assert_eq!(offers(&effects).first().map(|o| o.item), Some(item(2)));
    desk.accept(desk.offer_for(2).unwrap());
    desk.complete(item(2), agent(1));
    let effects = desk.step(Input::WrapUpEnded {
        item: item(2),
        agent: agent(1),
    });
    assert_eq!(offers(&effects).first().map(|o| o.item), Some(item(3)));
    let again = desk.step(Input::WrapUpEnded {
        item: item(2),
        agent: agent(1),
    });
    assert_eq!(again, [Effect::Refused(Refusal::WorkNotOpen)]);
}

#[test]
fn a_hang_up_takes_the_waiting_work_and_its_offer_away_at_once() {
    let mut desk = Desk::with_agents(1);
    desk.queue(work(1, 1, desk.now));
    desk.queue(work(2, 1, desk.now));
    let offer = desk.offer_for(1).unwrap();
    let effects = desk.step(Input::WorkItemWithdrawn {
        item: item(1),
        abandoned: true,
    });
    assert_eq!(ends(&effects), [(offer.id, OfferEnd::Abandoned)]);
    assert_eq!(
        offers(&effects).first().map(|o| o.item),
        Some(item(2)),
        "the agent is free for the next"
    );
    assert!(desk.engine.item(item(1)).is_none());
    desk.accept(desk.offer_for(2).unwrap());
    let effects = desk.step(Input::WorkItemWithdrawn {
        item: item(2),
        abandoned: true,
    });
    assert_eq!(effects, [], "accepted work is for its agent to complete");
    assert_eq!(desk.engine.item(item(2)).unwrap().agent(), Some(agent(1)));
}

#[test]
fn when_the_last_stream_breaks_offers_go_to_others_at_once_and_accepted_work_after_the_grace() {
    let mut desk = Desk::with_agents(2);
    let chat = |n| WorkItem {
        channel: Channel::Chat,
        ..work(n, 1, secs(2))
    };
    desk.queue(work(1, 1, desk.now));
    desk.accept(desk.offer_for(1).unwrap());
    desk.queue(work(2, 1, desk.now));
    desk.accept(desk.offer_for(2).unwrap());
    desk.queue(chat(3));
    assert_eq!(desk.offer_for(3).unwrap().agent, agent(1));
    desk.step(Input::StreamOpened {
        agent: agent(1),
        stream: 2,
    });
    assert!(
        desk.step(Input::StreamClosed {
            agent: agent(1),
            stream: 1
        })
        .is_empty(),
        "one presence of two streams"
    );
    let effects = desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 2,
    });
    assert_eq!(ends(&effects).len(), 1);
    assert_eq!(desk.offer_for(3).unwrap().agent, agent(2));
    desk.accept(desk.offer_for(3).unwrap());
    assert!(
        desk.pass_until(desk.now + Duration::from_secs(59))
            .is_empty()
    );
    let effects = desk.pass_until(desk.now + Duration::from_secs(1));
    assert!(effects.contains(&Effect::Released {
        item: item(1),
        agent: agent(1)
    }));
    assert_eq!(desk.engine.item(item(1)).unwrap().state, WorkState::Waiting);
}

#[test]
fn who_comes_back_within_the_grace_keeps_their_work_and_their_place() {
    let mut desk = Desk::with_agents(2);
    let before = desk.engine.standing(agent(1)).unwrap().idle_since;
    desk.queue(work(1, 1, desk.now));
    desk.accept(desk.offer_for(1).unwrap());
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    desk.pass_until(desk.now + Duration::from_secs(59));
    desk.step(Input::StreamOpened {
        agent: agent(1),
        stream: 2,
    });
    assert!(
        desk.pass_until(desk.now + Duration::from_secs(90))
            .is_empty()
    );
    assert_eq!(desk.engine.standing(agent(1)).unwrap().idle_since, before);
    assert_eq!(desk.engine.item(item(1)).unwrap().agent(), Some(agent(1)));
}

#[test]
fn who_goes_away_loses_offers_but_not_work() {
    let mut desk = Desk::with_agents(1);
    let chat = |n| WorkItem {
        channel: Channel::Chat,
        ..work(n, 1, secs(2))
    };
    desk.queue(chat(1));
    desk.accept(desk.offer_for(1).unwrap());
    desk.queue(chat(2));
    let effects = desk.step(Input::StatusSet {
        agent: agent(1),
        status: Status::Away,
        reason: Some("lunch".parse().unwrap()),
    });
    assert_eq!(
        ends(&effects).iter().map(|e| e.1).collect::<Vec<_>>(),
        [OfferEnd::AgentGone]
    );
    assert_eq!(desk.engine.item(item(1)).unwrap().agent(), Some(agent(1)));
    let effects = desk.step(Input::StatusSet {
        agent: agent(1),
        status: Status::Available,
        reason: None,
    });
    assert_eq!(offers(&effects).first().map(|o| o.item), Some(item(2)));
}

#[test]
fn a_restart_keeps_offers_until_their_own_expiry_and_blames_nobody() {
    let mut desk = Desk::with_agents(1);
    let offer = offers(&desk.queue(work(1, 1, desk.now)))[0];
    let snapshot = desk.engine.snapshot();
    desk.engine = crate::domain::engine::Engine::restore(
        crate::domain::engine::Settings::default(),
        snapshot,
        desk.now,
    );
    desk.hire(profile(2, &[1], &[]));
    assert_eq!(
        desk.offer_for(1),
        Some(offer),
        "nobody else is offered it before"
    );
    let effects = desk.pass_until(offer.expires_at);
    assert_eq!(ends(&effects), [(offer.id, OfferEnd::Expired)]);
    assert_eq!(offers(&effects).first().map(|o| o.agent), Some(agent(2)));
    let standing = desk.engine.standing(agent(1)).unwrap();
    assert_eq!(standing.status, Status::Available);
    assert!(matches!(standing.presence, Presence::Leaving { .. }));
}

#[test]
fn a_solved_ticket_leaves_nothing_waiting_and_nothing_to_hand_on() {
    let mut desk = Desk::with_agents(1);
    desk.queue(work(1, 1, desk.now));
    desk.accept(desk.offer_for(1).unwrap());
    desk.queue(WorkItem {
        ticket: ticket(1),
        ..work(2, 1, desk.now)
    });
    let effects = desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(effects, [Effect::Withdrawn { item: item(2) }]);
    desk.step(Input::StreamClosed {
        agent: agent(1),
        stream: 1,
    });
    let effects = desk.pass_until(desk.now + Duration::from_secs(60));
    assert!(
        matches!(effects[..], [Effect::Completed { .. }]),
        "{effects:?}"
    );
}

#[test]
fn work_that_moves_to_another_queue_keeps_its_age_and_loses_its_offer() {
    let mut desk = Desk::with_agents(1);
    desk.step(Input::QueueChanged(terms(2)));
    desk.queue(work(1, 1, secs(1)));
    desk.now = secs(9);
    let effects = desk.step(Input::WorkItemChanged {
        item: item(1),
        queue: queue(2),
        skills: skills(&[]),
        priority: Priority::High,
    });
    assert_eq!(
        ends(&effects).iter().map(|e| e.1).collect::<Vec<_>>(),
        [OfferEnd::Withdrawn]
    );
    desk.hire(profile(2, &[2], &[]));
    assert_eq!(desk.offer_for(1).unwrap().agent, agent(2));
    assert_eq!(desk.engine.item(item(1)).unwrap().queued_at, secs(1));
}

#[test]
fn a_sunken_limit_takes_offers_back_but_not_accepted_work() {
    let mut desk = Desk::with_agents(1);
    let chat = |n| WorkItem {
        channel: Channel::Chat,
        ..work(n, 1, secs(2))
    };
    desk.queue(chat(1));
    desk.accept(desk.offer_for(1).unwrap());
    desk.queue(chat(2));
    desk.now = secs(5);
    let mut less = profile(1, &[1], &[]);
    less.capacity = Capacity::of_each(0, desk.now);
    let effects = desk.step(Input::AgentChanged(less));
    assert_eq!(
        ends(&effects).iter().map(|e| e.1).collect::<Vec<_>>(),
        [OfferEnd::Withdrawn]
    );
    assert_eq!(desk.engine.item(item(1)).unwrap().agent(), Some(agent(1)));
}

#[test]
fn of_several_offers_taken_back_the_oldest_goes_to_the_one_who_is_free() {
    let mut desk = Desk::with_agents(1);
    let chat = |n, at| WorkItem {
        channel: Channel::Chat,
        ..work(n, 1, at)
    };
    desk.queue(chat(1, desk.now));
    desk.now = secs(5);
    desk.queue(chat(2, desk.now));
    let mut second = profile(2, &[1], &[]);
    second.capacity.named = vec![ChannelCapacity::of(Channel::Chat, 1)];
    desk.hire(second);
    let mut none = profile(1, &[1], &[]);
    none.capacity.named = vec![ChannelCapacity::of(Channel::Chat, 0)];
    let effects = desk.step(Input::AgentChanged(none));
    let to: Vec<_> = offers(&effects).iter().map(|o| (o.item, o.agent)).collect();
    assert_eq!(to, [(item(1), agent(2))]);
}
