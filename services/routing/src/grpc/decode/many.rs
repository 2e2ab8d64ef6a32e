//! Calls about many tickets.

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TicketId;
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use uuid::Uuid;

use super::tickets::{Terms, reason, solution, terms, ticket_change, ticket_state};
use super::{Etag, ids};
use crate::app::{BULK_MAX, WatchFrom, WatchedTickets, Which};
use crate::domain::{Solution, TicketChange};
use crate::store::TicketFilter;

/// The longest window of a repeat rule: 366 days.
const REPEAT_WITHIN_S: i32 = 31_622_400;

/// Tickets linked in one call.
const LINK_MAX: usize = 500;

/// What may be set in many tickets at once: what is said of one matter alone may not.
const BULK_FIELDS: [&str; 15] = [
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
];

pub(in crate::grpc) fn link_tickets(
    body: &pb::LinkTicketsRequest,
) -> Result<(Uuid, TicketId, Vec<TicketId>, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    c.require(
        !body.part_ticket_ids.is_empty(),
        "part_ticket_ids",
        "REQUIRED",
        "must name a ticket at least",
    );
    let parts = ids(&mut c, "part_ticket_ids", &body.part_ticket_ids, LINK_MAX);
    let reason = reason(&mut c, &body.reason);
    c.done((request, id, parts, reason))
}

pub(in crate::grpc) fn resolve_incident(
    body: &pb::ResolveIncidentRequest,
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

pub(in crate::grpc) fn bulk_update_tickets(
    body: &pb::BulkUpdateTicketsRequest,
) -> Result<(Uuid, Which, TicketChange, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let which = which(&mut c, body);
    let given = body.update_mask.as_ref();
    let mut mask = c.stated_mask("update_mask", given, &BULK_FIELDS);
    // What nobody named is not looked at.
    if given.is_none_or(|given| given.paths.is_empty()) {
        mask.clear();
    }
    c.require(body.ticket.is_some(), "ticket", "REQUIRED", "is required");
    let nothing = pb::Ticket::default();
    let ticket = body.ticket.as_ref().unwrap_or(&nothing);
    let change = c.within("ticket", |c| ticket_change(c, &mask, ticket));
    let reason = reason(&mut c, &body.reason);
    c.done((request, which, change, reason))
}

fn which(c: &mut Check, body: &pb::BulkUpdateTicketsRequest) -> Which {
    let most = usize::try_from(BULK_MAX).unwrap_or(usize::MAX);
    let named: Vec<TicketId> = ids(c, "ticket_ids", &body.ticket_ids, most);
    let Some(given) = &body.filter else {
        let text = "or filter must say which tickets";
        c.require(!named.is_empty(), "ticket_ids", "REQUIRED", text);
        let text = "is for a filter";
        c.require(
            body.expected_count == 0,
            "expected_count",
            "WITHOUT_FILTER",
            text,
        );
        return Which::Named(named);
    };
    let text = "must be empty beside a filter";
    c.require(named.is_empty(), "ticket_ids", "WITH_FILTER", text);
    let expected = u64::try_from(body.expected_count).unwrap_or_default();
    c.require(
        (1..=BULK_MAX).contains(&expected),
        "expected_count",
        "OUT_OF_RANGE",
        "must be from 1 to 1000 beside a filter",
    );
    let text = "must name a condition at least";
    let nothing = *given == pb::TicketFilter::default();
    c.require(!nothing, "filter", "REQUIRED", text);
    Which::Fitting(c.within("filter", |c| filter(c, given)), expected)
}

fn filter(c: &mut Check, given: &pb::TicketFilter) -> TicketFilter {
    let state: Option<pb::TicketState> = c.optional_enumeration("state", given.state);
    TicketFilter {
        state: state.and_then(ticket_state),
        queue: c.optional_id("queue_id", &given.queue_id),
        owner: c.optional_id("owner_agent_id", &given.owner_agent_id),
        customer: c.optional_id("customer_id", &given.customer_id),
        conversation: c.optional_id("conversation_id", &given.conversation_id),
        merged_into: None,
        parent: c.optional_id("parent_ticket_id", &given.parent_ticket_id),
    }
}

pub(in crate::grpc) fn watch_tickets(
    body: &pb::WatchTicketsRequest,
) -> Result<WatchedTickets, Failure> {
    let mut c = Check::new();
    let from = match body.cursor.as_str() {
        "" => WatchFrom::Now,
        "start" => WatchFrom::Start,
        cursor => WatchFrom::Cursor(cursor.to_owned()),
    };
    let watched = WatchedTickets {
        from,
        queue: c.optional_id("queue_id", &body.queue_id),
        owner: c.optional_id("owner_agent_id", &body.owner_agent_id),
        customer: c.optional_id("customer_id", &body.customer_id),
    };
    c.done(watched)
}

pub(in crate::grpc) fn set_repeat_rule(
    body: &pb::SetRepeatRuleRequest,
) -> Result<(Uuid, Duration, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let nothing = pb::RepeatRule::default();
    let given = body.repeat_rule.is_some();
    c.require(given, "repeat_rule", "REQUIRED", "is required");
    let rule = body.repeat_rule.as_ref().unwrap_or(&nothing);
    let (within, etag) = c.within("repeat_rule", |c| {
        let within = c.number("within_s", rule.within_s, 0..=REPEAT_WITHIN_S);
        (within, c.etag(&rule.etag))
    });
    let within = Duration::from_secs(u64::try_from(within).unwrap_or_default());
    c.done((request, within, etag))
}
