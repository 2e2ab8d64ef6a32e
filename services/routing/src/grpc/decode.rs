//! Requests as the domain understands them; all that is wrong with one at once.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{AgentId, OfferId, TypedId, WorkItemId};
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use crate::app::Paging;
use crate::app::words;
use crate::domain::{Channel, Code, Priority, Skill, Skills, Status};
use crate::store::{AgentFilter, QueueFilter, WorkItemFilter};

mod bots;
mod contact_commands;
mod many;
mod merges;
mod routing;
mod settings;
mod sla;
mod supervision;
mod tickets;
mod transfers;

pub(super) use bots::hand_over_work;
pub(super) use contact_commands::{heard, list_contact_commands};
pub(super) use many::{
    bulk_update_tickets, link_tickets, resolve_incident, set_repeat_rule, watch_tickets,
};
pub(super) use merges::{merge_tickets, split_ticket, unmerge_ticket};
pub(super) use routing::{
    create_routing_draft, explain_routing, list_routing_policies, update_routing_draft, version,
};
pub(super) use settings::{create_agent, create_queue, update_agent, update_queue};
pub(super) use sla::{
    create_calendar, create_policy, list_calendars, list_policies, update_calendar, update_policy,
};
pub(super) use supervision::{
    assign_work_item, estimate_wait, monitor_work_item, move_work_item, queue_statistics,
    release_work_item, watch_agents,
};
pub(super) use tickets::{
    add_ticket_note, cancel_ticket, close_ticket, create_ticket, list_ticket_changes,
    list_ticket_notes, list_tickets, reopen_ticket, resolve_ticket, update_ticket,
};
pub(super) use transfers::{request_callback, start_consult, transfer_work_item};

const PAGE: (u32, u32) = (50, 1_000);
const SKILLS_OF_WORK: usize = 16;
const USUALLY_PARKED: Duration = Duration::from_secs(86_400);
/// A week.
const MOST_PARKED_S: i32 = 604_800;

type Etag = Option<i64>;

pub(super) fn only_id<I: TypedId>(field: &str, text: &str) -> Result<I, Failure> {
    let mut c = Check::new();
    let id = c.id(field, text);
    c.done(id)
}

/// Refuses a field that only the service sets, unless it is empty.
fn set_by_service(c: &mut Check, field: &str, is_empty: bool) {
    c.require(is_empty, field, "SET_BY_SERVICE", "is set by the service");
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

/// A request that names a work item and nothing else.
pub(super) fn named_work(
    request_id: &str,
    work_item_id: &str,
) -> Result<(Uuid, WorkItemId), Failure> {
    let mut c = Check::new();
    let request = c.request_id(request_id);
    let id = c.id("work_item_id", work_item_id);
    c.done((request, id))
}

/// A request that names a work item and what came of it.
pub(super) fn handled_work(
    request_id: &str,
    work_item_id: &str,
    disposition: &str,
) -> Result<(Uuid, WorkItemId, Option<Code>), Failure> {
    let mut c = Check::new();
    let request = c.request_id(request_id);
    let id = c.id("work_item_id", work_item_id);
    let disposition = optional_code(&mut c, "disposition", disposition);
    c.done((request, id, disposition))
}

pub(super) fn extend_wrap_up(
    body: &pb::ExtendWrapUpRequest,
) -> Result<(Uuid, WorkItemId, Duration), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let by = c.number("by_s", body.by_s, 1..=3_600);
    c.done((request, id, seconds(by)))
}

pub(super) fn park_work_item(
    body: &pb::ParkWorkItemRequest,
) -> Result<(Uuid, WorkItemId, Duration), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let time = c.number("timeout_s", body.timeout_s, 0..=MOST_PARKED_S);
    c.done((request, id, seconds_or(time, USUALLY_PARKED)))
}

fn seconds(n: i32) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0))
}

/// Where nothing is said, the usual.
fn seconds_or(n: i32, usual: Duration) -> Duration {
    match seconds(n) {
        Duration::ZERO => usual,
        given => given,
    }
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

fn required_code(c: &mut Check, field: &str, text: &str) -> Option<Code> {
    c.require(!text.is_empty(), field, "REQUIRED", "is required");
    optional_code(c, field, text)
}

/// So many elements of a list at most.
fn limit(c: &mut Check, field: &str, count: usize, most: usize) {
    c.require(count <= most, field, "TOO_MANY", "has too many elements");
}

fn codes(c: &mut Check, field: &str, texts: &[String], most: usize) -> BTreeSet<Code> {
    limit(c, field, texts.len(), most);
    let mut codes = BTreeSet::new();
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

fn skills(c: &mut Check, field: &str, texts: &[String], most: usize) -> Skills {
    limit(c, field, texts.len(), most);
    let mut skills = Skills::new();
    for (place, text) in texts.iter().take(most).enumerate() {
        let field = format!("{field}[{place}]");
        match text.parse::<Skill>() {
            Ok(skill) => {
                let other = skills.level(&skill.code).is_some_and(|l| l != skill.level);
                c.require(!other, &field, "DUPLICATE", "is named with two levels");
                skills.insert(skill);
            }
            Err(_) => c.fail(
                &field,
                "MALFORMED_CODE",
                "is not of the form [a-z0-9._-]{1,64}, with `:` and 1 to 10 where it has a level",
            ),
        }
    }
    skills
}

fn channel(c: &mut Check, field: &str, raw: i32) -> Option<Channel> {
    c.optional_enumeration::<types::Channel>(field, raw)
        .and_then(words::channel)
}

fn priority(c: &mut Check, field: &str, raw: i32) -> Option<Priority> {
    c.optional_enumeration::<types::Priority>(field, raw)
        .and_then(words::priority)
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
        pb::WorkItemState::Transferred => "transferred",
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

/// What a list of ids names.
fn ids<I: TypedId, L: FromIterator<I>>(
    c: &mut Check,
    field: &str,
    texts: &[String],
    most: usize,
) -> L {
    limit(c, field, texts.len(), most);
    let id = |(place, text): (usize, &String)| c.id::<I>(&format!("{field}[{place}]"), text);
    texts.iter().take(most).enumerate().map(id).collect()
}
