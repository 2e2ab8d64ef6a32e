//! One of each, with everything in it.

use super::*;

pub(super) fn queue() -> Queue {
    Queue {
        wrap_up: Duration::from_secs(30),
        commanded: true,
        required_skills: ["dutch".parse().unwrap()].into(),
        discipline: Discipline {
            selection: Selection::BestSkilled,
            most_occupancy_spread: Some(10),
            weight: 3,
            broadcast: 2,
        },
        most_wrap_up: Duration::from_secs(99),
        preference: AgentPreference::LastAgent,
        preference_time: Duration::from_secs(7),
        opening: Some(CalendarId::new(NOW)),
        ..Queue::usual(QueueId::new(NOW), "care".parse().unwrap(), NOW)
    }
}

pub(super) fn agent(queue: &Queue) -> Agent {
    Agent {
        id: AgentId::new(NOW),
        principal: "ana@example.com".into(),
        display_name: "Ana".into(),
        address: "sip:ana@example.com".into(),
        skills: ["dutch:7".parse().unwrap()].into(),
        skills_until: [("dutch".parse().unwrap(), NOW)].into(),
        queues: BTreeSet::from([queue.id]),
        capacity: Capacity {
            named: vec![
                ChannelCapacity::of(Channel::Chat, 3),
                ChannelCapacity {
                    weight: 4,
                    interrupted_by: [Channel::Phone, Channel::Chat].into(),
                    ..ChannelCapacity::of(Channel::Email, 2)
                },
            ],
            total: Some(6),
            ..Capacity::of_each(2, NOW)
        },
        work_selection: WorkSelection::QueueRatio,
        kind: AgentKind::Virtual,
        shifts: Some(CalendarId::new(NOW)),
        standing: Standing::new(NOW),
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

/// What a queue that looks back is remembered by.
pub(super) fn remembered(queue: QueueId, agent: AgentId) -> (Pace, Turn) {
    let pace = Pace {
        queue,
        agent,
        handle: 90_000_000,
    };
    let turn = Turn {
        queue,
        last: Some(agent),
        taken: Taken {
            sum: 1_500_000,
            at: NOW,
        },
    };
    (pace, turn)
}

pub(super) fn ticket(queue: &Queue, customer: Option<CustomerRef>) -> Ticket {
    let opening = Opening {
        subject: "No tone".into(),
        description: "Since Monday".into(),
        priority: Priority::High,
        queue: queue.id,
        customer,
        conversation: Some(ConversationId::new(NOW)),
        skills: ["dutch:4".parse().unwrap()].into(),
        tags: ["line".parse().unwrap()].into(),
        purpose: Some(Purpose::Complaint),
        severity: Some(Severity {
            impact: Impact::High,
            urgency: Urgency::Low,
        }),
        category: Some("network".parse().unwrap()),
        subcategory: Some("access".parse().unwrap()),
        parent: Some(TicketId::new(NOW)),
        attributes: [("made_sla".parse().unwrap(), "true".into())].into(),
        split_from: Some(TicketId::new(NOW)),
    };
    Ticket::open(TicketId::new(NOW), opening, NOW)
}

pub(super) fn work(ticket: &Ticket, state: impl FnOnce(WorkItemId) -> WorkState) -> WorkItem {
    let id = WorkItemId::new(NOW);
    WorkItem {
        id,
        ticket: ticket.id,
        interaction: None,
        customer: ticket.customer,
        channel: Channel::Phone,
        queue: ticket.queue,
        skills: ticket.skills.clone(),
        priority: ticket.priority,
        queued_at: NOW,
        offers_made: 2,
        declines: vec![Decline {
            agent: AgentId::new(NOW),
            until: NOW + Duration::from_secs(9),
        }],
        settled: true,
        handed_over: true,
        state: state(id),
        other_offers: Vec::new(),
        route: None,
        passage: Some(passage().into()),
        traceparent: Some("00-1-2-01".into()),
        figures: Figures {
            answered: Some(Answered {
                at: NOW,
                queue: ticket.queue,
                in_time: true,
            }),
            left_early: true,
            handled_before: Duration::from_micros(7),
            over_capacity: true,
            parked: Some(Parked {
                since: NOW,
                until: NOW + Duration::from_secs(5),
            }),
            parked_before: Duration::from_micros(11),
            promise: Some(Promise {
                p50: Duration::from_secs(1),
                p90: Duration::from_secs(4),
            }),
        },
        version: 3,
    }
}

pub(super) fn passage() -> Passage {
    Passage {
        before: Some(WorkItemId::new(NOW)),
        next: None,
        hops: 3,
        turn_at: Some(Micros(NOW.0 - 9)),
        kept: Some(Kept {
            agent: AgentId::new(NOW),
            until: NOW + Duration::from_secs(7),
        }),
        note: Some(TicketNoteId::new(NOW)),
        consult: Some(WorkItemId::new(NOW)),
        consult_of: Some(WorkItemId::new(NOW)),
        was_asked: true,
        conference: true,
        held_before: true,
        held_since: Some(NOW),
        held: Duration::from_micros(11),
        connector: Some("pbx".into()),
        commanded: true,
        over: true,
        callback: Some(Callback {
            attempts_left: 2,
            pause: Duration::from_secs(9),
            paused_until: Some(NOW),
            called: Some(Micros(NOW.0 + 5)),
        }),
    }
}

pub(super) fn customer() -> CustomerRef {
    CustomerRef {
        record: RecordId::new(NOW),
        customer: CustomerId::new(NOW),
    }
}

pub(super) fn states(agent: AgentId) -> Vec<Box<dyn Fn(WorkItemId) -> WorkState>> {
    let disposition = Some("solved".parse().unwrap());
    let offer = move |item| Offer {
        id: rapport_foundation::id::OfferId::new(NOW),
        item,
        agent,
        made_at: NOW,
        expires_at: NOW + Duration::from_secs(20),
    };
    let (wrapping, done) = (disposition.clone(), disposition);
    vec![
        Box::new(|_| WorkState::Waiting),
        Box::new(move |item| WorkState::Offered(offer(item))),
        Box::new(move |_| WorkState::Accepted { agent, at: NOW }),
        Box::new(move |_| WorkState::WrappingUp {
            agent,
            accepted_at: NOW,
            at: Micros(NOW.0 + 1),
            until: Micros(NOW.0 + 2),
            disposition: wrapping.clone(),
        }),
        Box::new(move |_| WorkState::Completed {
            agent,
            accepted_at: NOW,
            handled_at: Micros(NOW.0 + 1),
            at: Micros(NOW.0 + 2),
            disposition: done.clone(),
        }),
        Box::new(|_| WorkState::Abandoned { at: NOW }),
        Box::new(|_| WorkState::Withdrawn { at: NOW }),
    ]
}
