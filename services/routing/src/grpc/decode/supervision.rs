//! What supervisors look at, and what they decide about work by hand.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::statistics_window::Window as Wanted;
use uuid::Uuid;

use super::{SKILLS_OF_WORK, channel, ids, priority, skills};
use crate::app::watch::Waiter;
use crate::domain::Priority;
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::Handing;
use crate::domain::statistics::Window;

/// Queues or agents that one call may name.
const NAMED: usize = 500;
const REASON_CHARACTERS: usize = 500;
const ZONE_CHARACTERS: usize = 64;

pub(in crate::grpc) fn queue_statistics(
    queues: &[String],
    wanted: Option<&pb::StatisticsWindow>,
) -> Result<(Vec<QueueId>, Window), Failure> {
    let mut c = Check::new();
    let queues = ids(&mut c, "queue_ids", queues, NAMED);
    let window = c.within("window", |c| window(c, wanted));
    c.done((queues, window))
}

fn window(c: &mut Check, wanted: Option<&pb::StatisticsWindow>) -> Window {
    match wanted.and_then(|wanted| wanted.window.as_ref()) {
        None => Window::USUAL,
        Some(Wanted::LastMinutes(minutes)) => {
            let most = i32::from(Window::MOST_MINUTES);
            let minutes = c.number("last_minutes", *minutes, 1..=most);
            Window::Minutes(u16::try_from(minutes).unwrap_or(1))
        }
        Some(Wanted::SinceMidnightIn(zone)) => {
            let zone = c.text("since_midnight_in", zone, 1..=ZONE_CHARACTERS);
            let known = zone.parse().ok().map(Window::SinceMidnight);
            c.require(
                known.is_some() || zone.is_empty(),
                "since_midnight_in",
                "UNKNOWN_TIME_ZONE",
                "is not a name of the IANA time zone database",
            );
            known.unwrap_or(Window::USUAL)
        }
    }
}

pub(in crate::grpc) fn watch_agents(
    body: &pb::WatchAgentsRequest,
) -> Result<(Vec<AgentId>, Option<QueueId>), Failure> {
    let mut c = Check::new();
    let agents = ids(&mut c, "agent_ids", &body.agent_ids, NAMED);
    let queue = c.optional_id("queue_id", &body.queue_id);
    c.done((agents, queue))
}

pub(in crate::grpc) fn estimate_wait(body: &pb::EstimateWaitRequest) -> Result<Waiter, Failure> {
    let mut c = Check::new();
    let item = c.optional_id("work_item_id", &body.work_item_id);
    let channel = channel(&mut c, "channel", body.channel);
    let priority = priority(&mut c, "priority", body.priority);
    let skills = skills(
        &mut c,
        "required_skills",
        &body.required_skills,
        SKILLS_OF_WORK,
    );
    let waiter = match item {
        Some(item) => {
            let alone = body.queue_id.is_empty()
                && channel.is_none()
                && priority.is_none()
                && skills.is_empty();
            c.require(
                alone,
                "work_item_id",
                "NOT_ALONE",
                "comes without what new work would be like",
            );
            Waiter::Item(item)
        }
        None => Waiter::New {
            queue: c.id("queue_id", &body.queue_id),
            channel,
            priority,
            skills,
        },
    };
    c.done(waiter)
}

fn handing(c: &mut Check, to: &pb::Handing) -> Handing {
    Handing {
        agent: c.id("agent_id", &to.agent_id),
        forced: to.forced,
        over_capacity: to.over_capacity,
        without_skills: to.without_skills,
    }
}

fn reason(c: &mut Check, text: &str) -> Personal {
    c.text("reason", text, 1..=REASON_CHARACTERS).into()
}

pub(in crate::grpc) fn assign_work_item(
    body: &pb::AssignWorkItemRequest,
) -> Result<(Uuid, WorkItemId, Handing, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    c.require(body.to.is_some(), "to", "REQUIRED", "is required");
    let nobody = pb::Handing {
        agent_id: AgentId::nil().to_string(),
        ..pb::Handing::default()
    };
    let to = c.within("to", |c| handing(c, body.to.as_ref().unwrap_or(&nobody)));
    let reason = reason(&mut c, &body.reason);
    c.done((request, id, to, reason))
}

/// Where work is to go, and how urgent it is there, if it is not as urgent as before.
type Elsewhere = (QueueId, Option<Priority>);

pub(in crate::grpc) fn move_work_item(
    body: &pb::MoveWorkItemRequest,
) -> Result<(Uuid, WorkItemId, Elsewhere, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let queue = c.id("queue_id", &body.queue_id);
    let priority = priority(&mut c, "priority", body.priority);
    let reason = reason(&mut c, &body.reason);
    c.done((request, id, (queue, priority), reason))
}

pub(in crate::grpc) fn monitor_work_item(
    body: &pb::MonitorWorkItemRequest,
) -> Result<(Uuid, WorkItemId, (CommandKind, AgentId), Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let mode: pb::MonitorMode = c.enumeration("mode", body.mode);
    let how = match mode {
        pb::MonitorMode::Unspecified | pb::MonitorMode::Monitor => CommandKind::Monitor,
        pb::MonitorMode::Whisper => CommandKind::Whisper,
        pb::MonitorMode::Barge => CommandKind::Barge,
    };
    let by = c.id("agent_id", &body.agent_id);
    let reason = reason(&mut c, &body.reason);
    c.done((request, id, (how, by), reason))
}

pub(in crate::grpc) fn release_work_item(
    body: &pb::ReleaseWorkItemRequest,
) -> Result<(Uuid, WorkItemId, Option<Handing>, Personal), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let to = (body.to.as_ref()).map(|to| c.within("to", |c| handing(c, to)));
    let reason = reason(&mut c, &body.reason);
    c.done((request, id, to, reason))
}
