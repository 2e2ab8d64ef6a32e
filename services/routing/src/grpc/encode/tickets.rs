//! Tickets, their changes and their notes.

use rapport_foundation::error::Failure;
use rapport_foundation::etag;
use rapport_proto::routing::v1 as pb;

use super::sla::waiting;
use super::{codes, customer, text};
use crate::app::{OneOfMany, ToldTicket, words};
use crate::domain::{Author, HistoryEntry, Note, RepeatRule, Ticket, TicketState};

pub(in crate::grpc) fn ticket(ticket: Ticket) -> pb::Ticket {
    let severity = ticket.severity;
    pb::Ticket {
        id: ticket.id.to_string(),
        state: ticket_state(ticket.state).into(),
        subject: ticket.subject.into_exposed(),
        description: ticket.description.into_exposed(),
        priority: words::priority_out(ticket.priority).into(),
        queue_id: ticket.queue.to_string(),
        owner_agent_id: text(ticket.owner),
        customer: ticket.customer.map(customer),
        conversation_id: text(ticket.conversation),
        required_skills: ticket.skills.texts(),
        tags: codes(&ticket.tags),
        root_cause: text(ticket.root_cause),
        outcome: text(ticket.outcome),
        reopen_count: i32::try_from(ticket.reopen_count).unwrap_or(i32::MAX),
        create_time: Some(ticket.created_at.into()),
        update_time: Some(ticket.updated_at.into()),
        resolve_time: ticket.resolved_at.map(Into::into),
        close_time: ticket.closed_at.map(Into::into),
        etag: etag::of(ticket.version),
        purpose: ticket
            .purpose
            .map_or(0, |purpose| words::purpose_out(purpose).into()),
        impact: severity.map_or(0, |severity| words::impact_out(severity.impact).into()),
        urgency: severity.map_or(0, |severity| words::urgency_out(severity.urgency).into()),
        category: text(ticket.category),
        subcategory: text(ticket.subcategory),
        parent_ticket_id: text(ticket.parent),
        reassignment_count: i32::try_from(ticket.reassignment_count).unwrap_or(i32::MAX),
        attributes: ticket
            .attributes
            .into_iter()
            .map(|(key, value)| (key.into(), value.into_exposed()))
            .collect(),
        waiting_on: ticket.waiting_on.map_or(0, |on| waiting(on).into()),
        merged_into_ticket_id: text(ticket.merged_into),
        merged_ticket_count: i32::try_from(ticket.merged_count).unwrap_or(i32::MAX),
        split_from_ticket_id: text(ticket.split_from),
        repeat_of_ticket_id: text(ticket.repeat_of),
        resolution: ticket.resolution.into_exposed(),
        // Of a list nobody counts them.
        part_count: 0,
        open_part_count: 0,
    }
}

/// A ticket, with how many parts it has and how many of them are open.
pub(in crate::grpc) fn counted_ticket((ticket, (parts, open)): (Ticket, (u64, u64))) -> pb::Ticket {
    pb::Ticket {
        part_count: i32::try_from(parts).unwrap_or(i32::MAX),
        open_part_count: i32::try_from(open).unwrap_or(i32::MAX),
        ..self::ticket(ticket)
    }
}

pub(in crate::grpc) fn told_ticket(told: ToldTicket) -> pb::WatchTicketsResponse {
    let mut answer = pb::WatchTicketsResponse {
        cursor: told.cursor,
        ..Default::default()
    };
    if let Some(news) = told.change {
        answer.ticket = Some(ticket(news.ticket));
        answer.change = news.kind;
        answer.fields = news.fields;
        answer.change_time = news.at.map(Into::into);
    }
    answer
}

pub(in crate::grpc) fn repeat_rule(rule: RepeatRule) -> pb::RepeatRule {
    pb::RepeatRule {
        within_s: i32::try_from(rule.within.as_secs()).unwrap_or(i32::MAX),
        etag: etag::of(rule.version),
    }
}

pub(in crate::grpc) fn ticket_results(all: Vec<OneOfMany>) -> Vec<pb::TicketResult> {
    let result = |one: OneOfMany| {
        let ticket_id = one.ticket.to_string();
        match one.outcome {
            Ok(version) => pb::TicketResult {
                ticket_id,
                etag: etag::of(version),
                refusal: None,
            },
            Err(error) => pb::TicketResult {
                ticket_id,
                etag: String::new(),
                refusal: Some(refusal(error.into())),
            },
        }
    };
    all.into_iter().map(result).collect()
}

fn refusal(failure: Failure) -> pb::TicketRefusal {
    pb::TicketRefusal {
        reason: failure.reason.to_owned(),
        message: failure.message.clone().into_owned(),
        code: tonic::Status::from(failure).code().into(),
    }
}

pub(in crate::grpc) fn ticket_change(entry: HistoryEntry) -> pb::TicketChange {
    let (agent_id, principal) = author(entry.by.author);
    pb::TicketChange {
        id: entry.id.to_string(),
        ticket_id: entry.ticket.to_string(),
        change_time: Some(entry.at.into()),
        agent_id,
        principal,
        reason: entry.by.reason.into_exposed(),
        field: entry.what.field.as_str().to_owned(),
        old_value: entry.what.old,
        new_value: entry.what.new,
        ticket_etag: etag::of(entry.version),
    }
}

pub(in crate::grpc) fn ticket_note(note: Note) -> pb::TicketNote {
    let (agent_id, principal) = author(note.author);
    pb::TicketNote {
        id: note.id.to_string(),
        ticket_id: note.ticket.to_string(),
        create_time: Some(note.at.into()),
        agent_id,
        principal,
        text: note.text.into_exposed(),
    }
}

/// The agent, or else the principal.
fn author(author: Author) -> (String, String) {
    match author {
        Author::Service => Default::default(),
        Author::Agent(agent) => (agent.to_string(), String::new()),
        Author::Principal(principal) => (String::new(), principal.into_exposed()),
    }
}

const fn ticket_state(state: TicketState) -> pb::TicketState {
    match state {
        TicketState::New => pb::TicketState::New,
        TicketState::Open => pb::TicketState::Open,
        TicketState::Pending => pb::TicketState::Pending,
        TicketState::Resolved => pb::TicketState::Resolved,
        TicketState::Closed => pb::TicketState::Closed,
        TicketState::Cancelled => pb::TicketState::Cancelled,
    }
}
