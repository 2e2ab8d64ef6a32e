//! Tickets, their changes and their notes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{AgentId, TicketId};
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use super::{
    Etag, SKILLS_OF_WORK, channel, codes, optional_code, paging, priority, set_by_service, skills,
    sla,
};
use crate::app::Paging;
use crate::app::command::NewTicket;
use crate::app::words;
use crate::domain::sla::WaitingOn;
use crate::domain::{
    Attributes, Channel, Code, CustomerRef, Impact, Priority, Purpose, Severity, Solution,
    TicketChange, TicketField, TicketState, Urgency,
};
use crate::store::TicketFilter;

pub(super) const SUBJECT_CHARACTERS: usize = 998;
const DESCRIPTION_CHARACTERS: usize = 20_000;
const REASON_CHARACTERS: usize = 500;
pub(super) const NOTE_CHARACTERS: usize = 20_000;
const ATTRIBUTES: usize = 64;
const ATTRIBUTE_CHARACTERS: usize = 1_024;
pub(super) const TAGS: usize = 32;
/// A page of the longest notes there may be fits into an answer.
const PAGE_OF_NOTES: (u32, u32) = (20, 50);

pub(in crate::grpc) fn create_ticket(
    body: &pb::CreateTicketRequest,
) -> Result<(Uuid, NewTicket), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let work_channel = channel(&mut c, "work_channel", body.work_channel);
    let nothing = pb::Ticket::default();
    let ticket = body.ticket.as_ref();
    c.require(ticket.is_some(), "ticket", "REQUIRED", "is required");
    let ticket = ticket.unwrap_or(&nothing);
    let new = c.within("ticket", |c| {
        set_by_the_service(c, ticket);
        NewTicket {
            subject: text_of(c, "subject", &ticket.subject, SUBJECT_CHARACTERS),
            description: text_of(
                c,
                "description",
                &ticket.description,
                DESCRIPTION_CHARACTERS,
            ),
            priority: priority(c, "priority", ticket.priority),
            queue: c.optional_id("queue_id", &ticket.queue_id),
            customer: ticket
                .customer
                .as_ref()
                .map(|customer| customer_ref(c, customer)),
            conversation: c.optional_id("conversation_id", &ticket.conversation_id),
            skills: skills(
                c,
                "required_skills",
                &ticket.required_skills,
                SKILLS_OF_WORK,
            ),
            tags: codes(c, "tags", &ticket.tags, TAGS),
            purpose: purpose(c, "purpose", ticket.purpose),
            severity: severity(c, ticket),
            category: optional_code(c, "category", &ticket.category),
            subcategory: optional_code(c, "subcategory", &ticket.subcategory),
            parent: c.optional_id("parent_ticket_id", &ticket.parent_ticket_id),
            attributes: attributes(c, &ticket.attributes),
            work_channel,
        }
    });
    c.done((request, new))
}

/// Both or neither; a priority beside them says the same.
fn severity(c: &mut Check, ticket: &pb::Ticket) -> Option<Severity> {
    let given = (impact(c, ticket.impact), urgency(c, ticket.urgency));
    together(c, ticket);
    let severity = Severity::of(given.0, given.1).ok().flatten()?;
    let priority = types::Priority::try_from(ticket.priority).ok();
    let priority = priority.and_then(words::priority);
    c.require(
        priority.is_none_or(|priority| priority == severity.priority()),
        "priority",
        "CONTRADICTS_SEVERITY",
        "is not the one that follows from impact and urgency",
    );
    Some(severity)
}

fn together(c: &mut Check, ticket: &pb::Ticket) {
    let missing = match (ticket.impact, ticket.urgency) {
        (0, given) if given != 0 => "impact",
        (given, 0) if given != 0 => "urgency",
        _ => return,
    };
    let text = "is missing: impact and urgency are given together";
    c.fail(missing, "REQUIRED_TOGETHER", text);
}

pub(super) fn impact(c: &mut Check, given: i32) -> Option<Impact> {
    let impact = c.optional_enumeration("impact", given);
    impact.and_then(words::impact)
}

pub(super) fn urgency(c: &mut Check, given: i32) -> Option<Urgency> {
    let urgency = c.optional_enumeration("urgency", given);
    urgency.and_then(words::urgency)
}

fn attributes(c: &mut Check, given: &HashMap<String, String>) -> Attributes {
    let text = "holds more than 64 attributes";
    c.require(given.len() <= ATTRIBUTES, "attributes", "TOO_MANY", text);
    // Sorted, so that the same request lists the same violations.
    let sorted: BTreeMap<&String, &String> = given.iter().take(ATTRIBUTES).collect();
    let mut attributes = Attributes::new();
    for (place, (key, value)) in sorted.into_iter().enumerate() {
        let field = format!("attributes[{place}]");
        let value = text_of(c, &field, value, ATTRIBUTE_CHARACTERS);
        match key.parse() {
            Ok(key) => drop(attributes.insert(key, value)),
            Err(_) => c.fail(
                &field,
                "MALFORMED_KEY",
                "has a key that is not of the form [a-z0-9._-]{1,64}",
            ),
        }
    }
    attributes
}

fn set_by_the_service(c: &mut Check, ticket: &pb::Ticket) {
    set_by_service(c, "id", ticket.id.is_empty());
    set_by_service(c, "state", ticket.state == 0);
    set_by_service(c, "waiting_on", ticket.waiting_on == 0);
    set_by_service(c, "owner_agent_id", ticket.owner_agent_id.is_empty());
    set_by_service(c, "root_cause", ticket.root_cause.is_empty());
    set_by_service(c, "outcome", ticket.outcome.is_empty());
    set_by_service(c, "reopen_count", ticket.reopen_count == 0);
    set_by_service(c, "reassignment_count", ticket.reassignment_count == 0);
    set_by_service(
        c,
        "merged_into_ticket_id",
        ticket.merged_into_ticket_id.is_empty(),
    );
    set_by_service(c, "merged_ticket_count", ticket.merged_ticket_count == 0);
    set_by_service(
        c,
        "split_from_ticket_id",
        ticket.split_from_ticket_id.is_empty(),
    );
    set_by_service(c, "create_time", ticket.create_time.is_none());
    set_by_service(c, "update_time", ticket.update_time.is_none());
    set_by_service(c, "resolve_time", ticket.resolve_time.is_none());
    set_by_service(c, "close_time", ticket.close_time.is_none());
    set_by_service(c, "etag", ticket.etag.is_empty());
}

pub(in crate::grpc) fn list_tickets(
    body: &pb::ListTicketsRequest,
) -> Result<(TicketFilter, Paging), Failure> {
    let mut c = Check::new();
    let state: Option<pb::TicketState> = c.optional_enumeration("state", body.state);
    let filter = TicketFilter {
        state: state.and_then(ticket_state),
        queue: c.optional_id("queue_id", &body.queue_id),
        owner: c.optional_id("owner_agent_id", &body.owner_agent_id),
        customer: c.optional_id("customer_id", &body.customer_id),
        conversation: c.optional_id("conversation_id", &body.conversation_id),
        merged_into: c.optional_id("merged_into_ticket_id", &body.merged_into_ticket_id),
        parent: c.optional_id("parent_ticket_id", &body.parent_ticket_id),
    };
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((filter, paging))
}

const TICKET_FIELDS: [&str; 18] = [
    "subject",
    "description",
    "priority",
    "queue_id",
    "owner_agent_id",
    "required_skills",
    "tags",
    "root_cause",
    "outcome",
    "state",
    "purpose",
    "waiting_on",
    "impact",
    "urgency",
    "category",
    "subcategory",
    "parent_ticket_id",
    "attributes",
];

pub(in crate::grpc) fn update_ticket(
    body: &pb::UpdateTicketRequest,
) -> Result<(Uuid, TicketId, TicketChange, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let terms = terms(&mut c, &body.etag, &body.reason);
    let named = body
        .update_mask
        .as_ref()
        .is_some_and(|mask| !mask.paths.is_empty());
    let mut mask = c.mask("update_mask", body.update_mask.as_ref(), &TICKET_FIELDS);
    if !named {
        // Empty for all but the state: leaving it out of a message must not reopen anything.
        mask.remove("state");
        mask.remove("waiting_on");
    }
    let nothing = pb::Ticket::default();
    c.require(body.ticket.is_some(), "ticket", "REQUIRED", "is required");
    let ticket = body.ticket.as_ref().unwrap_or(&nothing);
    let change = c.within("ticket", |c| ticket_change(c, &mask, ticket));
    c.done((request, id, change, terms))
}

pub(super) fn ticket_change(
    c: &mut Check,
    mask: &BTreeSet<String>,
    ticket: &pb::Ticket,
) -> TicketChange {
    let set = |field: &str| mask.contains(field);
    let mut change = TicketChange::default();
    if set("subject") {
        change.subject = Some(text_of(c, "subject", &ticket.subject, SUBJECT_CHARACTERS));
    }
    if set("description") {
        let words = text_of(
            c,
            "description",
            &ticket.description,
            DESCRIPTION_CHARACTERS,
        );
        change.description = Some(words);
    }
    if set("priority") {
        let priority = priority(c, "priority", ticket.priority);
        // It follows from impact and urgency where nobody says it.
        let graded = |field, value| set(field) && value != 0;
        let follows = graded("impact", ticket.impact) || graded("urgency", ticket.urgency);
        change.priority = priority.or((!follows).then_some(Priority::Normal));
    }
    if set("impact") {
        change.impact = Some(impact(c, ticket.impact));
    }
    if set("urgency") {
        change.urgency = Some(urgency(c, ticket.urgency));
    }
    if set("impact") && set("urgency") {
        together(c, ticket);
    }
    // A ticket is always in a queue: an update of everything that names none keeps it.
    if set("queue_id") && !(ticket.queue_id.is_empty() && mask.len() > 1) {
        change.queue = Some(c.id("queue_id", &ticket.queue_id));
    }
    if set("owner_agent_id") {
        change.owner = Some(c.optional_id::<AgentId>("owner_agent_id", &ticket.owner_agent_id));
    }
    if set("required_skills") {
        let skills = skills(
            c,
            "required_skills",
            &ticket.required_skills,
            SKILLS_OF_WORK,
        );
        change.skills = Some(skills);
    }
    if set("tags") {
        change.tags = Some(codes(c, "tags", &ticket.tags, TAGS));
    }
    if set("root_cause") {
        change.root_cause = Some(optional_code(c, "root_cause", &ticket.root_cause));
    }
    if set("outcome") {
        change.outcome = Some(optional_code(c, "outcome", &ticket.outcome));
    }
    if set("state") {
        let state: pb::TicketState = c.enumeration("state", ticket.state);
        let state = ticket_state(state);
        let may = matches!(state, Some(TicketState::Open | TicketState::Pending) | None);
        c.require(
            may,
            "state",
            "NOT_SETTABLE",
            "can be set to OPEN or PENDING only",
        );
        change.state = state;
    }
    if set("waiting_on") {
        change.waiting_on = waiting_on(c, ticket, set("state"));
    }
    if set("purpose") {
        change.purpose = Some(purpose(c, "purpose", ticket.purpose));
    }
    if set("category") {
        change.category = Some(optional_code(c, "category", &ticket.category));
    }
    if set("subcategory") {
        change.subcategory = Some(optional_code(c, "subcategory", &ticket.subcategory));
    }
    if set("parent_ticket_id") {
        change.parent = Some(c.optional_id("parent_ticket_id", &ticket.parent_ticket_id));
    }
    if set("attributes") {
        change.attributes = Some(attributes(c, &ticket.attributes));
    }
    change
}

pub(in crate::grpc) fn resolve_ticket(
    body: &pb::ResolveTicketRequest,
) -> Result<(Uuid, TicketId, Solution, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let words = (
        body.outcome.as_str(),
        body.root_cause.as_str(),
        body.resolution.as_str(),
    );
    let solution = solution(&mut c, words);
    let terms = terms(&mut c, &body.etag, &body.reason);
    c.done((request, id, solution, terms))
}

pub(super) fn solution(
    c: &mut Check,
    (outcome, root_cause, resolution): (&str, &str, &str),
) -> Solution {
    Solution {
        outcome: optional_code(c, "outcome", outcome),
        root_cause: optional_code(c, "root_cause", root_cause),
        resolution: text_of(c, "resolution", resolution, DESCRIPTION_CHARACTERS),
    }
}

pub(in crate::grpc) fn cancel_ticket(
    body: &pb::CancelTicketRequest,
) -> Result<(Uuid, TicketId, Option<Code>, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let outcome = optional_code(&mut c, "outcome", &body.outcome);
    let terms = terms(&mut c, &body.etag, &body.reason);
    c.done((request, id, outcome, terms))
}

pub(in crate::grpc) fn reopen_ticket(
    body: &pb::ReopenTicketRequest,
) -> Result<(Uuid, TicketId, Option<Channel>, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let work_channel = channel(&mut c, "work_channel", body.work_channel);
    let terms = terms(&mut c, &body.etag, &body.reason);
    c.done((request, id, work_channel, terms))
}

pub(in crate::grpc) fn close_ticket(
    body: &pb::CloseTicketRequest,
) -> Result<(Uuid, TicketId, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let terms = terms(&mut c, &body.etag, &body.reason);
    c.done((request, id, terms))
}

/// On which version, and what for.
pub(super) type Terms = (Etag, Personal);

pub(super) fn terms(c: &mut Check, etag: &str, text: &str) -> Terms {
    (c.etag(etag), reason(c, text))
}

pub(super) fn reason(c: &mut Check, text: &str) -> Personal {
    text_of(c, "reason", text, REASON_CHARACTERS)
}

pub(in crate::grpc) fn list_ticket_changes(
    body: &pb::ListTicketChangesRequest,
) -> Result<(TicketId, Option<TicketField>, Paging), Failure> {
    let mut c = Check::new();
    let id = c.id("ticket_id", &body.ticket_id);
    let field = TicketField::named(&body.field);
    c.require(
        field.is_some() || body.field.is_empty(),
        "field",
        "UNKNOWN_FIELD",
        "is not a field of a ticket that changes",
    );
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((id, field, paging))
}

pub(in crate::grpc) fn add_ticket_note(
    body: &pb::AddTicketNoteRequest,
) -> Result<(Uuid, TicketId, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let text = c.text("text", &body.text, 1..=NOTE_CHARACTERS);
    c.done((request, id, text.into()))
}

pub(in crate::grpc) fn list_ticket_notes(
    body: &pb::ListTicketNotesRequest,
) -> Result<(TicketId, Paging), Failure> {
    let mut c = Check::new();
    let id = c.id("ticket_id", &body.ticket_id);
    let paging = Paging {
        size: c.page_size(body.page_size, PAGE_OF_NOTES.0, PAGE_OF_NOTES.1),
        token: body.page_token.clone(),
    };
    c.done((id, paging))
}

pub(super) fn text_of(c: &mut Check, field: &str, text: &str, longest: usize) -> Personal {
    c.text(field, text, 0..=longest).into()
}

pub(super) fn purpose(c: &mut Check, field: &str, raw: i32) -> Option<Purpose> {
    c.optional_enumeration::<types::Purpose>(field, raw)
        .and_then(words::purpose)
}

fn customer_ref(c: &mut Check, customer: &types::CustomerRef) -> CustomerRef {
    c.within("customer", |c| CustomerRef {
        record: c.id("record_id", &customer.record_id),
        customer: c.id("customer_id", &customer.customer_id),
    })
}

pub(super) const fn ticket_state(state: pb::TicketState) -> Option<TicketState> {
    Some(match state {
        pb::TicketState::Unspecified => return None,
        pb::TicketState::New => TicketState::New,
        pb::TicketState::Open => TicketState::Open,
        pb::TicketState::Pending => TicketState::Pending,
        pb::TicketState::Resolved => TicketState::Resolved,
        pb::TicketState::Closed => TicketState::Closed,
        pb::TicketState::Cancelled => TicketState::Cancelled,
    })
}

/// For whom it waits. Whoever says how far it is needs not say it.
fn waiting_on(c: &mut Check, ticket: &pb::Ticket, with_state: bool) -> Option<WaitingOn> {
    if ticket.waiting_on == 0 && with_state {
        return None;
    }
    c.require(
        !with_state || ticket.state != i32::from(pb::TicketState::Open),
        "waiting_on",
        "CONTRADICTS_STATE",
        "must be unspecified for a ticket that is OPEN",
    );
    sla::waiting(c.enumeration("waiting_on", ticket.waiting_on))
}
