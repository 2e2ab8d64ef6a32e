#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::*;

const NOW: Micros = Micros(1_000_000);

fn ticket() -> Ticket {
    let opening = Opening {
        subject: "no tone".into(),
        description: Personal::default(),
        priority: Priority::Normal,
        queue: QueueId::new(NOW),
        customer: None,
        conversation: None,
        skills: Skills::new(),
        tags: BTreeSet::new(),
        purpose: None,
        severity: None,
        category: None,
        subcategory: None,
        parent: None,
        attributes: Attributes::new(),
        split_from: None,
    };
    Ticket::open(TicketId::new(NOW), opening, NOW)
}

#[test]
fn the_first_agent_to_take_it_up_owns_it() {
    let (first, second) = (AgentId::new(NOW), AgentId::new(NOW));
    let mut ticket = ticket();
    assert!(ticket.taken_up(first, NOW));
    assert_eq!(
        (ticket.state, ticket.owner),
        (TicketState::Open, Some(first))
    );
    assert!(!ticket.taken_up(second, NOW));
    assert_eq!((ticket.owner, ticket.version), (Some(first), 2));
}

#[test]
fn it_is_not_resolved_under_the_hands_of_another_agent() {
    let (mine, theirs) = (AgentId::new(NOW), AgentId::new(NOW));
    let mut ticket = ticket();
    let refused = ticket.resolve(Some(mine), [mine, theirs], Solution::default(), NOW);
    assert_eq!(refused, Err(TicketRefusal::WorkInProgress));
    assert_eq!(
        ticket.resolve(None, [theirs], Solution::default(), NOW),
        Err(TicketRefusal::WorkInProgress)
    );
    assert_eq!(
        ticket.resolve(Some(mine), [mine], Solution::default(), NOW),
        Ok(())
    );
    assert_eq!(ticket.state, TicketState::Resolved);
}

#[test]
fn a_ticket_that_waits_says_for_whom_and_one_that_does_not_says_nobody() {
    let mut ticket = ticket();
    let mut set = |state, waiting_on| {
        let change = TicketChange {
            state,
            waiting_on,
            ..TicketChange::default()
        };
        ticket.change(change, NOW).unwrap();
        (ticket.state, ticket.waiting_on)
    };
    use TicketState::{Open, Pending};
    use WaitingOn::{Customer, ThirdParty};
    assert_eq!(set(Some(Pending), None), (Pending, Some(Customer)));
    assert_eq!(set(None, Some(ThirdParty)), (Pending, Some(ThirdParty)));
    assert_eq!(set(Some(Pending), None), (Pending, Some(ThirdParty)));
    assert_eq!(set(Some(Open), None), (Open, None));
    assert_eq!(set(None, None), (Open, None));
}

#[test]
fn a_cancelled_ticket_is_over_for_good() {
    let mine = AgentId::new(NOW);
    let mut ticket = ticket();
    let refused = ticket.cancel(None, [mine], None, NOW);
    assert_eq!(refused, Err(TicketRefusal::WorkInProgress));
    assert_eq!(ticket.cancel(Some(mine), [mine], None, NOW), Ok(()));
    assert_eq!((ticket.closed_at, ticket.resolved_at), (Some(NOW), None));
    assert_eq!(ticket.reopen(NOW), Err(TicketRefusal::NotResolved));
    assert_eq!(
        ticket.cancel(None, [], None, NOW),
        Err(TicketRefusal::NotOpen)
    );
    let changed = ticket.change(TicketChange::default(), NOW);
    assert_eq!(changed, Err(TicketRefusal::Closed));
}

#[test]
fn each_state_allows_its_own_decisions_only() {
    let mut ticket = ticket();
    assert_eq!(ticket.reopen(NOW), Err(TicketRefusal::NotResolved));
    assert_eq!(ticket.close(NOW), Err(TicketRefusal::NotResolved));
    assert_eq!(ticket.resolve(None, [], Solution::default(), NOW), Ok(()));
    assert_eq!(
        ticket.resolve(None, [], Solution::default(), NOW),
        Err(TicketRefusal::NotOpen)
    );
    let pending = TicketChange {
        state: Some(TicketState::Pending),
        ..TicketChange::default()
    };
    assert_eq!(ticket.change(pending, NOW), Err(TicketRefusal::NotOpen));
    assert_eq!(ticket.reopen(NOW), Ok(()));
    assert_eq!((ticket.reopen_count, ticket.resolved_at), (1, None));
    assert_eq!(ticket.resolve(None, [], Solution::default(), NOW), Ok(()));
    assert_eq!(ticket.close(NOW), Ok(()));
    assert_eq!(ticket.reopen(NOW), Err(TicketRefusal::NotResolved));
    assert_eq!(
        ticket.change(TicketChange::default(), NOW),
        Err(TicketRefusal::Closed)
    );
}

fn graded(impact: Impact, urgency: Urgency, priority: Option<Priority>) -> TicketChange {
    TicketChange {
        impact: Some(Some(impact)),
        urgency: Some(Some(urgency)),
        priority,
        ..TicketChange::default()
    }
}

#[test]
fn the_priority_follows_unless_an_escalation_raised_it() {
    let mut ticket = ticket();
    let both = graded(Impact::Medium, Urgency::Low, None);
    assert_eq!(ticket.change(both, NOW), Ok(()));
    assert_eq!(ticket.priority, Priority::Low);
    assert!(ticket.raise(Priority::High, NOW));
    assert!(!ticket.raise(Priority::Normal, NOW), "nothing is lowered");
    // Written back as it was read, or with something else that says nothing of it.
    let same = graded(Impact::Medium, Urgency::Low, Some(Priority::High));
    assert_eq!(ticket.change(same, NOW), Ok(()));
    assert_eq!(ticket.change(TicketChange::default(), NOW), Ok(()));
    assert_eq!(ticket.priority, Priority::High);
    let other = graded(Impact::Medium, Urgency::Low, Some(Priority::Urgent));
    let before = ticket.clone();
    assert_eq!(
        ticket.change(other, NOW),
        Err(TicketRefusal::PriorityContradicts)
    );
    assert_eq!(ticket, before, "a refusal changes nothing");
    let low = TicketChange {
        impact: Some(Some(Impact::Low)),
        ..TicketChange::default()
    };
    assert_eq!(ticket.change(low, NOW), Ok(()));
    assert_eq!(ticket.priority, Priority::Low);
    let half = TicketChange {
        urgency: Some(None),
        ..TicketChange::default()
    };
    assert_eq!(ticket.change(half, NOW), Err(TicketRefusal::HalfSevere));
}

#[test]
fn each_move_to_another_queue_counts_and_nothing_else_does() {
    let mut ticket = ticket();
    let (first, other) = (ticket.queue, QueueId::new(NOW));
    let mut moved = |queue, owner| {
        let change = TicketChange {
            queue: Some(queue),
            owner: Some(owner),
            ..TicketChange::default()
        };
        ticket.change(change, NOW).unwrap();
        ticket.reassignment_count
    };
    assert_eq!(moved(first, None), 0);
    assert_eq!(moved(other, Some(AgentId::new(NOW))), 1);
    assert_eq!(moved(other, Some(AgentId::new(NOW))), 1);
    assert_eq!(moved(first, None), 2);
}

#[test]
fn what_is_personal_is_not_told_and_all_else_is() {
    let old = ticket();
    let mut new = old.clone();
    let change = TicketChange {
        subject: Some("Mr Doe".into()),
        description: Some("called again".into()),
        attributes: Some([("caller".parse().unwrap(), "Mr Doe".into())].into()),
        tags: Some(["b".parse().unwrap(), "a".parse().unwrap()].into()),
        category: Some(Some("network".parse().unwrap())),
        waiting_on: Some(WaitingOn::ThirdParty),
        ..graded(Impact::High, Urgency::High, None)
    };
    new.change(change, NOW).unwrap();
    let told = differences(Some(&old), &new);
    assert!(!format!("{told:?}").contains("Doe"));
    let told: Vec<String> = told
        .iter()
        .map(|c| format!("{} {}>{}", c.field.as_str(), c.old, c.new))
        .collect();
    assert_eq!(
        told,
        [
            "state new>pending",
            "waiting_on >third_party",
            "priority normal>urgent",
            "impact >high",
            "urgency >high",
            "tags >a,b",
            "category >network",
            "subject >",
            "description >",
            "attributes >",
        ]
    );
    assert_eq!(differences(Some(&new), &new), []);
    let opened = differences(None, &old);
    assert_eq!((opened.len(), opened[0].new.as_str()), (1, "new"));
}

proptest! {
    /// Whoever does what in whatever order: by hand the priority is what follows.
    #[test]
    fn whatever_is_done_the_priority_follows(steps in prop::collection::vec(step(), 1..20)) {
        let mut ticket = ticket();
        for change in steps {
            let before = ticket.clone();
            if ticket.change(change, NOW).is_err() {
                prop_assert_eq!(&ticket, &before);
            }
            let follows = ticket.severity.is_none_or(|s| s.priority() == ticket.priority);
            prop_assert!(follows, "{:?} {:?}", ticket.severity, ticket.priority);
        }
    }
}

fn step() -> impl Strategy<Value = TicketChange> {
    let impact = prop::option::of(prop::option::of(prop::sample::select(Impact::ALL)));
    let urgency = prop::option::of(prop::option::of(prop::sample::select(Urgency::ALL)));
    let priority = prop::option::of(prop::sample::select(Priority::ALL));
    (impact, urgency, priority).prop_map(|(impact, urgency, priority)| TicketChange {
        impact,
        urgency,
        priority,
        ..TicketChange::default()
    })
}
