//! Requests as the domain understands them; all that is wrong with one at once.

use std::collections::BTreeSet;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{AgentId, OfferId, QueueId, TicketId, TypedId, WorkItemId};
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use crate::app::Paging;
use crate::app::command::NewTicket;
use crate::app::words;
use crate::domain::sla::WaitingOn;
use crate::domain::{
    Channel, Code, CustomerRef, Priority, Purpose, Skills, Status, TicketChange, TicketState,
};
use crate::store::{AgentFilter, QueueFilter, TicketFilter, WorkItemFilter};

mod routing;
mod settings;
mod sla;

pub(super) use routing::{
    create_routing_draft, explain_routing, list_routing_policies, update_routing_draft, version,
};
pub(super) use settings::{create_agent, create_queue, update_agent, update_queue};
pub(super) use sla::{
    create_calendar, create_policy, list_calendars, list_policies, update_calendar, update_policy,
};

const PAGE: (u32, u32) = (50, 1_000);
const SUBJECT_CHARACTERS: usize = 998;
const DESCRIPTION_CHARACTERS: usize = 20_000;
const SKILLS_OF_WORK: usize = 16;
const TAGS: usize = 32;

type Etag = Option<i64>;

pub(super) fn only_id<I: TypedId>(field: &str, text: &str) -> Result<I, Failure> {
    let mut c = Check::new();
    let id = c.id(field, text);
    c.done(id)
}

pub(super) fn create_ticket(body: &pb::CreateTicketRequest) -> Result<(Uuid, NewTicket), Failure> {
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
            subject: text(c, "subject", &ticket.subject, SUBJECT_CHARACTERS),
            description: text(
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
            skills: codes(
                c,
                "required_skills",
                &ticket.required_skills,
                SKILLS_OF_WORK,
            ),
            tags: codes(c, "tags", &ticket.tags, TAGS),
            purpose: purpose(c, "purpose", ticket.purpose),
            work_channel,
        }
    });
    c.done((request, new))
}

fn set_by_the_service(c: &mut Check, ticket: &pb::Ticket) {
    let mut empty = |field: &str, is_empty: bool| {
        c.require(is_empty, field, "SET_BY_SERVICE", "is set by the service");
    };
    empty("id", ticket.id.is_empty());
    empty("state", ticket.state == 0);
    empty("waiting_on", ticket.waiting_on == 0);
    empty("owner_agent_id", ticket.owner_agent_id.is_empty());
    empty("root_cause", ticket.root_cause.is_empty());
    empty("outcome", ticket.outcome.is_empty());
    empty("reopen_count", ticket.reopen_count == 0);
    empty("create_time", ticket.create_time.is_none());
    empty("update_time", ticket.update_time.is_none());
    empty("resolve_time", ticket.resolve_time.is_none());
    empty("close_time", ticket.close_time.is_none());
    empty("etag", ticket.etag.is_empty());
}

pub(super) fn list_tickets(
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
    };
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((filter, paging))
}

const TICKET_FIELDS: [&str; 12] = [
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
];

pub(super) fn update_ticket(
    body: &pb::UpdateTicketRequest,
) -> Result<(Uuid, TicketId, TicketChange, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let etag = c.etag(&body.etag);
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
    c.done((request, id, change, etag))
}

fn ticket_change(c: &mut Check, mask: &BTreeSet<String>, ticket: &pb::Ticket) -> TicketChange {
    let set = |field: &str| mask.contains(field);
    let mut change = TicketChange::default();
    if set("subject") {
        change.subject = Some(text(c, "subject", &ticket.subject, SUBJECT_CHARACTERS));
    }
    if set("description") {
        let words = text(
            c,
            "description",
            &ticket.description,
            DESCRIPTION_CHARACTERS,
        );
        change.description = Some(words);
    }
    if set("priority") {
        let priority = priority(c, "priority", ticket.priority);
        change.priority = Some(priority.unwrap_or(Priority::Normal));
    }
    // A ticket is always in a queue: an update of everything that names none keeps it.
    if set("queue_id") && !(ticket.queue_id.is_empty() && mask.len() > 1) {
        change.queue = Some(c.id("queue_id", &ticket.queue_id));
    }
    if set("owner_agent_id") {
        change.owner = Some(c.optional_id::<AgentId>("owner_agent_id", &ticket.owner_agent_id));
    }
    if set("required_skills") {
        let skills = codes(
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
    change
}

type Codes = (Option<Code>, Option<Code>);

pub(super) fn resolve_ticket(
    body: &pb::ResolveTicketRequest,
) -> Result<(Uuid, TicketId, Codes, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let outcome = optional_code(&mut c, "outcome", &body.outcome);
    let root_cause = optional_code(&mut c, "root_cause", &body.root_cause);
    let etag = c.etag(&body.etag);
    c.done((request, id, (outcome, root_cause), etag))
}

pub(super) fn cancel_ticket(
    body: &pb::CancelTicketRequest,
) -> Result<(Uuid, TicketId, Option<Code>, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let outcome = optional_code(&mut c, "outcome", &body.outcome);
    let etag = c.etag(&body.etag);
    c.done((request, id, outcome, etag))
}

pub(super) fn reopen_ticket(
    body: &pb::ReopenTicketRequest,
) -> Result<(Uuid, TicketId, Option<Channel>, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let work_channel = channel(&mut c, "work_channel", body.work_channel);
    let etag = c.etag(&body.etag);
    c.done((request, id, work_channel, etag))
}

pub(super) fn close_ticket(
    body: &pb::CloseTicketRequest,
) -> Result<(Uuid, TicketId, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let etag = c.etag(&body.etag);
    c.done((request, id, etag))
}

pub(super) fn list_work_items(
    body: &pb::ListWorkItemsRequest,
) -> Result<(WorkItemFilter, Paging), Failure> {
    let mut c = Check::new();
    let state: Option<pb::WorkItemState> = c.optional_enumeration("state", body.state);
    let filter = WorkItemFilter {
        state: state.and_then(work_state_name),
        ticket: c.optional_id("ticket_id", &body.ticket_id),
        queue: c.optional_id("queue_id", &body.queue_id),
        agent: c.optional_id("agent_id", &body.agent_id),
    };
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((filter, paging))
}

pub(super) fn complete_work(
    body: &pb::CompleteWorkRequest,
) -> Result<(Uuid, WorkItemId, Option<Code>), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let disposition = optional_code(&mut c, "disposition", &body.disposition);
    c.done((request, id, disposition))
}

pub(super) fn end_wrap_up(body: &pb::EndWrapUpRequest) -> Result<(Uuid, WorkItemId), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    c.done((request, id))
}

pub(super) fn accept_offer(body: &pb::AcceptOfferRequest) -> Result<(Uuid, OfferId), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("offer_id", &body.offer_id);
    c.done((request, id))
}

pub(super) fn reject_offer(body: &pb::RejectOfferRequest) -> Result<(Uuid, OfferId), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("offer_id", &body.offer_id);
    optional_code(&mut c, "reason", &body.reason);
    c.done((request, id))
}

pub(super) fn set_agent_status(
    body: &pb::SetAgentStatusRequest,
) -> Result<(Uuid, AgentId, Status, Option<Code>), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("agent_id", &body.agent_id);
    let status: pb::AgentStatus = c.enumeration("status", body.status);
    let settable = !matches!(status, pb::AgentStatus::NotResponding);
    c.require(
        settable,
        "status",
        "NOT_SETTABLE",
        "can be OFFLINE, AVAILABLE or AWAY only",
    );
    let status = agent_status(status).unwrap_or(Status::Offline);
    let reason = optional_code(&mut c, "reason", &body.reason);
    c.done((request, id, status, reason))
}

pub(super) fn list_agents(body: &pb::ListAgentsRequest) -> Result<(AgentFilter, Paging), Failure> {
    let mut c = Check::new();
    let status: Option<pb::AgentStatus> = c.optional_enumeration("status", body.status);
    let filter = AgentFilter {
        queue: c.optional_id("queue_id", &body.queue_id),
        status: status.and_then(agent_status),
        principal: c.optional_text("principal", &body.principal, settings::PRINCIPAL_CHARACTERS),
    };
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((filter, paging))
}

pub(super) fn list_queues(body: &pb::ListQueuesRequest) -> Result<(QueueFilter, Paging), Failure> {
    let mut c = Check::new();
    let filter = QueueFilter {
        code: optional_code(&mut c, "code", &body.code),
    };
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((filter, paging))
}

fn paging(c: &mut Check, size: i32, token: &str) -> Paging {
    Paging {
        size: c.page_size(size, PAGE.0, PAGE.1),
        token: token.to_owned(),
    }
}

fn text(c: &mut Check, field: &str, text: &str, longest: usize) -> Personal {
    c.text(field, text, 0..=longest).into()
}

fn optional_code(c: &mut Check, field: &str, text: &str) -> Option<Code> {
    if text.is_empty() {
        return None;
    }
    let code = text.parse().ok();
    c.require(
        code.is_some(),
        field,
        "MALFORMED_CODE",
        "is not of the form [a-z0-9._-]{1,64}",
    );
    code
}

fn codes(c: &mut Check, field: &str, texts: &[String], most: usize) -> Skills {
    c.require(
        texts.len() <= most,
        field,
        "TOO_MANY",
        "has too many elements",
    );
    let mut codes = Skills::new();
    for (place, text) in texts.iter().take(most).enumerate() {
        match text.parse() {
            Ok(code) => {
                codes.insert(code);
            }
            Err(_) => c.fail(
                &format!("{field}[{place}]"),
                "MALFORMED_CODE",
                "is not of the form [a-z0-9._-]{1,64}",
            ),
        }
    }
    codes
}

fn channel(c: &mut Check, field: &str, raw: i32) -> Option<Channel> {
    c.optional_enumeration::<types::Channel>(field, raw)
        .and_then(words::channel)
}

fn priority(c: &mut Check, field: &str, raw: i32) -> Option<Priority> {
    c.optional_enumeration::<types::Priority>(field, raw)
        .and_then(words::priority)
}

fn purpose(c: &mut Check, field: &str, raw: i32) -> Option<Purpose> {
    c.optional_enumeration::<types::Purpose>(field, raw)
        .and_then(words::purpose)
}

fn customer_ref(c: &mut Check, customer: &types::CustomerRef) -> CustomerRef {
    c.within("customer", |c| CustomerRef {
        record: c.id("record_id", &customer.record_id),
        customer: c.id("customer_id", &customer.customer_id),
    })
}

const fn ticket_state(state: pb::TicketState) -> Option<TicketState> {
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

const fn work_state_name(state: pb::WorkItemState) -> Option<&'static str> {
    Some(match state {
        pb::WorkItemState::Unspecified => return None,
        pb::WorkItemState::Waiting => "waiting",
        pb::WorkItemState::Offered => "offered",
        pb::WorkItemState::Accepted => "accepted",
        pb::WorkItemState::WrappingUp => "wrapping_up",
        pb::WorkItemState::Completed => "completed",
        pb::WorkItemState::Abandoned => "abandoned",
        pb::WorkItemState::Withdrawn => "withdrawn",
    })
}

const fn agent_status(status: pb::AgentStatus) -> Option<Status> {
    Some(match status {
        pb::AgentStatus::Unspecified => return None,
        pb::AgentStatus::Offline => Status::Offline,
        pb::AgentStatus::Available => Status::Available,
        pb::AgentStatus::Away => Status::Away,
        pb::AgentStatus::NotResponding => Status::NotResponding,
    })
}

/// The queue a list of ids names.
fn queue_ids(c: &mut Check, field: &str, texts: &[String], most: usize) -> BTreeSet<QueueId> {
    c.require(
        texts.len() <= most,
        field,
        "TOO_MANY",
        "has too many elements",
    );
    let id = |(place, text): (usize, &String)| c.id(&format!("{field}[{place}]"), text);
    texts.iter().take(most).enumerate().map(id).collect()
}
