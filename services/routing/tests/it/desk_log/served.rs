//! Incidents as tickets of the service, through its contracts.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use rapport_routing::domain::{Impact, Priority, Severity, TicketState, Urgency};

use super::log::{Incident, Row};
use super::played::{Names, play};
use crate::bench::{Bench, request_id};
use crate::history::changes;

/// Incidents that are played at a time.
const AT_ONCE: usize = 32;

/// The desk's groups and people, set up.
struct Floor {
    queues: BTreeMap<Option<String>, String>,
    agents: BTreeMap<String, String>,
}

/// Plays incidents and holds each against what the decisions alone make of it.
pub(super) async fn serve(bench: &Bench, log: &[Incident]) {
    let floor = &Floor::open(bench, log).await;
    let mut names = Names::default();
    let expected: Vec<_> = log
        .iter()
        .map(|incident| play(incident, &mut names).ticket)
        .collect();
    let played = futures::stream::iter(log.iter().zip(&expected));
    played
        .for_each_concurrent(AT_ONCE, |(incident, expected)| async move {
            let ticket = serve_one(bench, floor, incident).await;
            let last = incident.last().unwrap();
            let state = match expected.state {
                TicketState::Closed => pb::TicketState::Closed,
                other => panic!("an incident of the log ends closed, not {other:?}"),
            };
            assert_eq!(ticket.state(), state);
            assert_eq!(ticket.priority(), priority(last.priority), "{last:?}");
            let counts = (ticket.reassignment_count, ticket.reopen_count);
            let decided = (expected.reassignment_count, expected.reopen_count);
            assert_eq!(counts, (decided.0.cast_signed(), decided.1.cast_signed()));
            assert_eq!(ticket.attributes["made_sla"], last.made_sla);
            assert_eq!(ticket.queue_id, floor.queues[&last.group]);
            the_history_tells_it(bench, &ticket).await;
        })
        .await;
    bench.verified().await;
}

/// Each change begins where the one before ended, and the last of them is what the ticket is.
async fn the_history_tells_it(bench: &Bench, ticket: &pb::Ticket) {
    for (field, now) in [
        ("queue_id", ticket.queue_id.clone()),
        (
            "priority",
            Priority::ALL[usize::try_from(ticket.priority).unwrap() - 1]
                .as_str()
                .into(),
        ),
        ("state", "closed".into()),
    ] {
        let told = changes(bench, &ticket.id, field).await;
        let expected = match field {
            "queue_id" => usize::try_from(ticket.reassignment_count).unwrap(),
            _ => told.len(),
        };
        assert_eq!(told.len(), expected, "{field}");
        assert!(told.first().is_none_or(|change| change.new_value == now));
        for pair in told.windows(2) {
            assert_eq!(pair[0].old_value, pair[1].new_value, "{field}");
        }
    }
}

impl Floor {
    async fn open(bench: &Bench, log: &[Incident]) -> Self {
        let mut floor = Self {
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
        };
        let everything = bench.queue("default").await;
        floor.queues.insert(None, everything.id.clone());
        for row in log.iter().flatten() {
            if !floor.queues.contains_key(&row.group) {
                let code = format!("group-{}", row.group.as_deref().unwrap_or_default());
                let queue = bench.queue(&code).await;
                floor.queues.insert(row.group.clone(), queue.id);
            }
            if let Some(owner) = &row.owner
                && !floor.agents.contains_key(owner)
            {
                let agent = bench.hire(&format!("person-{owner}"), &everything).await;
                floor.agents.insert(owner.clone(), agent.id);
            }
        }
        floor
    }

    /// What a row says of a ticket.
    fn facts(&self, row: &Row) -> pb::Ticket {
        let Severity { impact, urgency } = row.severity;
        let code = |code: &Option<_>| code.as_ref().map(ToString::to_string).unwrap_or_default();
        let attributes = [("made_sla".to_owned(), row.made_sla.clone())];
        pb::Ticket {
            impact: match impact {
                Impact::High => types::Impact::High,
                Impact::Medium => types::Impact::Medium,
                Impact::Low => types::Impact::Low,
            }
            .into(),
            urgency: match urgency {
                Urgency::High => types::Urgency::High,
                Urgency::Medium => types::Urgency::Medium,
                Urgency::Low => types::Urgency::Low,
            }
            .into(),
            category: code(&row.category),
            subcategory: code(&row.subcategory),
            attributes: attributes.into(),
            ..Default::default()
        }
    }
}

async fn serve_one(bench: &Bench, floor: &Floor, incident: &Incident) -> pb::Ticket {
    let first = &incident[0];
    // What is in no group names no queue.
    let queue = first
        .group
        .as_ref()
        .map(|_| floor.queues[&first.group].clone());
    let request = pb::CreateTicketRequest {
        request_id: request_id(),
        ticket: Some(pb::Ticket {
            queue_id: queue.unwrap_or_default(),
            ..floor.facts(first)
        }),
        work_channel: 0,
    };
    let answer = bench.tickets().create_ticket(bench.boss(request)).await;
    let mut ticket = answer.unwrap().into_inner().ticket.unwrap();
    for (place, row) in incident.iter().enumerate() {
        let (state, _) = row.state.ours(place + 1 == incident.len());
        ticket = follow(bench, floor, ticket, row, state).await;
        assert_eq!(ticket.priority(), priority(row.priority), "{row:?}");
    }
    let request = pb::GetTicketRequest {
        ticket_id: ticket.id,
    };
    let answer = bench.tickets().get_ticket(bench.boss(request)).await;
    answer.unwrap().into_inner().ticket.unwrap()
}

async fn follow(
    bench: &Bench,
    floor: &Floor,
    ticket: pb::Ticket,
    row: &Row,
    state: TicketState,
) -> pb::Ticket {
    let is_open = |ticket: &pb::Ticket| {
        use pb::TicketState::{New, Open, Pending};
        matches!(ticket.state(), New | Open | Pending)
    };
    let (ticket_id, etag) = (ticket.id.clone(), String::new());
    if !is_open(&ticket) && state.is_open() {
        let request = pb::ReopenTicketRequest {
            request_id: request_id(),
            ticket_id: ticket_id.clone(),
            ..Default::default()
        };
        let answer = bench.tickets().reopen_ticket(bench.boss(request)).await;
        answer.unwrap();
    }
    let mut new = pb::Ticket {
        queue_id: floor.queues[&row.group].clone(),
        owner_agent_id: row
            .owner
            .as_ref()
            .map(|owner| floor.agents[owner].clone())
            .unwrap_or_default(),
        ..floor.facts(row)
    };
    let mut paths = vec![
        "queue_id",
        "owner_agent_id",
        "impact",
        "urgency",
        "category",
        "subcategory",
        "attributes",
    ];
    match row.state.ours(false) {
        (_, Some(on)) => {
            use rapport_routing::domain::sla::WaitingOn;
            paths.push("waiting_on");
            new.waiting_on = match on {
                WaitingOn::Customer => pb::TicketWaitingOn::Customer,
                WaitingOn::ThirdParty => pb::TicketWaitingOn::ThirdParty,
            }
            .into();
        }
        (TicketState::Open, _) => {
            paths.push("state");
            new.state = pb::TicketState::Open.into();
        }
        _ => {}
    }
    let request = pb::UpdateTicketRequest {
        request_id: request_id(),
        ticket_id: ticket_id.clone(),
        ticket: Some(new),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.into_iter().map(str::to_owned).collect(),
        }),
        ..Default::default()
    };
    let answer = bench.tickets().update_ticket(bench.boss(request)).await;
    let mut ticket = answer.unwrap().into_inner().ticket.unwrap();
    if is_open(&ticket) && !state.is_open() {
        let request = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: ticket_id.clone(),
            ..Default::default()
        };
        let answer = bench.tickets().resolve_ticket(bench.boss(request)).await;
        ticket = answer.unwrap().into_inner().ticket.unwrap();
    }
    if state == TicketState::Closed {
        let request = pb::CloseTicketRequest {
            request_id: request_id(),
            ticket_id,
            etag,
            reason: String::new(),
        };
        let answer = bench.tickets().close_ticket(bench.boss(request)).await;
        ticket = answer.unwrap().into_inner().ticket.unwrap();
    }
    ticket
}

const fn priority(priority: Priority) -> types::Priority {
    match priority {
        Priority::Low => types::Priority::Low,
        Priority::Normal => types::Priority::Normal,
        Priority::High => types::Priority::High,
        Priority::Urgent => types::Priority::Urgent,
    }
}
