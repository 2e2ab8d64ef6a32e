//! Incidents as tickets, by the decisions that the service decides with.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{AgentId, QueueId, TicketId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_routing::domain::{
    Attributes, Opening, Priority, Skills, Solution, Ticket, TicketChange, TicketState,
};

use super::log::{Incident, Row};

/// The log's groups and people.
#[derive(Default)]
pub(super) struct Names {
    queues: BTreeMap<Option<String>, QueueId>,
    agents: BTreeMap<String, AgentId>,
}

impl Names {
    /// What is in no group is in the queue of everything that is in no other.
    fn queue(&mut self, group: &Option<String>) -> QueueId {
        let known = self.queues.entry(group.clone());
        *known.or_insert_with(|| QueueId::new(Micros(1)))
    }

    fn agent(&mut self, owner: &Option<String>) -> Option<AgentId> {
        let known = self.agents.entry(owner.clone()?);
        Some(*known.or_insert_with(|| AgentId::new(Micros(1))))
    }
}

/// What a row made of the ticket.
pub(super) struct Became {
    pub(super) priority: Priority,
    pub(super) reassignments: u32,
    pub(super) made_sla: String,
}

/// What an incident came to.
pub(super) struct Played {
    pub(super) ticket: Ticket,
    pub(super) rows: Vec<Became>,
}

pub(super) fn play(incident: &Incident, names: &mut Names) -> Played {
    let mut ticket = open(&incident[0], names);
    let mut rows = Vec::with_capacity(incident.len());
    for (place, row) in incident.iter().enumerate() {
        let now = Micros(i64::try_from(place).unwrap() + 2);
        let (state, waiting_on) = row.state.ours(place + 1 == incident.len());
        follow(&mut ticket, row, state, names, now);
        assert_eq!(
            (ticket.state, ticket.waiting_on),
            (state, waiting_on),
            "{row:?}"
        );
        rows.push(Became {
            priority: ticket.priority,
            reassignments: ticket.reassignment_count,
            made_sla: made_sla(&ticket.attributes),
        });
    }
    Played { ticket, rows }
}

fn open(row: &Row, names: &mut Names) -> Ticket {
    let opening = Opening {
        subject: Personal::default(),
        description: Personal::default(),
        priority: Priority::Normal,
        queue: names.queue(&row.group),
        customer: None,
        conversation: None,
        skills: Skills::new(),
        tags: BTreeSet::new(),
        purpose: None,
        severity: Some(row.severity),
        category: row.category.clone(),
        subcategory: row.subcategory.clone(),
        parent: None,
        split_from: None,
        attributes: attributes(row),
    };
    Ticket::open(TicketId::new(Micros(1)), opening, Micros(1))
}

/// Does to the ticket what the row says.
fn follow(ticket: &mut Ticket, row: &Row, state: TicketState, names: &mut Names, now: Micros) {
    if ticket.state == TicketState::Resolved && state.is_open() {
        ticket.reopen(now).unwrap();
    }
    let turns = state.is_open() && state != ticket.state;
    let change = TicketChange {
        queue: Some(names.queue(&row.group)),
        owner: Some(names.agent(&row.owner)),
        impact: Some(Some(row.severity.impact)),
        urgency: Some(Some(row.severity.urgency)),
        category: Some(row.category.clone()),
        subcategory: Some(row.subcategory.clone()),
        attributes: Some(attributes(row)),
        state: turns.then_some(state),
        waiting_on: row.state.ours(false).1,
        ..TicketChange::default()
    };
    ticket.change(change, now).unwrap();
    if !state.is_open() && ticket.state.is_open() {
        ticket.resolve(None, [], Solution::default(), now).unwrap();
    }
    if state == TicketState::Closed {
        ticket.close(now).unwrap();
    }
}

fn attributes(row: &Row) -> Attributes {
    [("made_sla".parse().unwrap(), row.made_sla.as_str().into())].into()
}

fn made_sla(attributes: &Attributes) -> String {
    let kept = attributes
        .iter()
        .find(|(key, _)| key.as_str() == "made_sla");
    kept.unwrap().1.expose().to_owned()
}
