//! Contacts that agents hand on.

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::WorkItemId;
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use uuid::Uuid;

use super::tickets::NOTE_CHARACTERS;
use super::{SKILLS_OF_WORK, optional_code, priority, seconds_or, skills};
use crate::app::command::{Target, Transfer, Waiting};

/// How long work is kept for an agent at most, and where nothing is said.
const KEPT_S: i32 = 3_600;
const USUALLY_KEPT: Duration = Duration::from_secs(60);

/// How often a customer is called at most, and where nothing is said.
const CALLS: i32 = 10;
const USUAL_CALLS: u16 = 3;
/// How long it is waited after they were not reached: a day at most.
const PAUSE_S: i32 = 86_400;
const USUAL_PAUSE: Duration = Duration::from_secs(300);

pub(in crate::grpc) fn transfer_work_item(
    body: &pb::TransferWorkItemRequest,
) -> Result<(Uuid, WorkItemId, Transfer), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let transfer = Transfer {
        to: target(&mut c, body.to.as_ref()),
        note: c.text("note", &body.note, 0..=NOTE_CHARACTERS).into(),
        disposition: optional_code(&mut c, "disposition", &body.disposition),
        skip_wrap_up: body.skip_wrap_up,
        end_of_line: body.end_of_line,
    };
    c.done((request, id, transfer))
}

pub(in crate::grpc) fn request_callback(
    body: &pb::RequestCallbackRequest,
) -> Result<(Uuid, Waiting, (u16, Duration)), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let waiting = waiting(&mut c, body);
    let attempts = c.number("attempts", body.attempts, 0..=CALLS);
    let attempts = match u16::try_from(attempts) {
        Ok(0) | Err(_) => USUAL_CALLS,
        Ok(attempts) => attempts,
    };
    let pause = c.number("pause_s", body.pause_s, 0..=PAUSE_S);
    c.done((request, waiting, (attempts, seconds_or(pause, USUAL_PAUSE))))
}

/// Whose customer is called back: work, or a contact as its connector knows it.
fn waiting(c: &mut Check, body: &pb::RequestCallbackRequest) -> Waiting {
    let item = c.optional_id("work_item_id", &body.work_item_id);
    let contact = c.optional_id("interaction_id", &body.interaction_id);
    match (item, contact) {
        (Some(item), None) => Waiting::Work(item),
        (None, Some(contact)) => Waiting::Contact(contact),
        (Some(item), Some(_)) => {
            let both = "work_item_id and interaction_id exclude each other";
            c.fail("interaction_id", "EXACTLY_ONE", both);
            Waiting::Work(item)
        }
        (None, None) => {
            let none = "either work_item_id or interaction_id is required";
            c.fail("work_item_id", "REQUIRED", none);
            Waiting::Work(WorkItemId::nil())
        }
    }
}

pub(in crate::grpc) fn start_consult(
    body: &pb::StartConsultRequest,
) -> Result<(Uuid, WorkItemId, Target, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let to = target(&mut c, body.to.as_ref());
    let note = c.text("note", &body.note, 0..=NOTE_CHARACTERS).into();
    c.done((request, id, to, note))
}

/// Where a contact goes.
fn target(c: &mut Check, to: Option<&pb::TransferTarget>) -> Target {
    c.require(to.is_some(), "to", "REQUIRED", "is required");
    let nowhere = pb::TransferTarget::default();
    let given = to.unwrap_or(&nowhere);
    let somewhere = !given.queue_id.is_empty() || !given.agent_id.is_empty();
    c.require(
        to.is_none() || somewhere,
        "to",
        "REQUIRED",
        "names a queue, an agent, or both",
    );
    c.within("to", |c| {
        let agent = c.optional_id("agent_id", &given.agent_id);
        let seconds = c.number("agent_timeout_s", given.agent_timeout_s, 0..=KEPT_S);
        c.require(
            seconds == 0 || agent.is_some(),
            "agent_timeout_s",
            "NOT_ALONE",
            "comes with an agent",
        );
        let time = seconds_or(seconds, USUALLY_KEPT);
        Target {
            queue: c.optional_id("queue_id", &given.queue_id),
            agent: agent.map(|agent| (agent, time)),
            skills: skills(c, "required_skills", &given.required_skills, SKILLS_OF_WORK),
            priority: priority(c, "priority", given.priority),
        }
    })
}
