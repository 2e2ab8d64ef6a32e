//! Agents and queues as they are set up by hand.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{AgentId, QueueId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use super::{
    Etag, SKILLS_OF_WORK, ids, limit, priority, required_code, seconds, seconds_or, set_by_service,
    skills,
};
use crate::app::command::{AgentChange, NewAgent, NewQueue, QueueChange};
use crate::app::words;
use crate::domain::{
    AgentKind, AgentPreference, Channel, ChannelCapacity, Code, Priority, Queue, Selection,
    WorkSelection,
};

pub(super) const PRINCIPAL_CHARACTERS: usize = 255;
pub(super) const NAME_CHARACTERS: usize = 200;
const ADDRESS_CHARACTERS: usize = 256;
const SKILLS_OF_AGENT: usize = 64;
const QUEUES_OF_AGENT: usize = 500;
const MOST_CONCURRENT: i32 = 100;
const MOST_WAITING: i32 = 1_000_000;
const MOST_WEIGHT: i32 = 1_000;
const MOST_WRAP_UP_S: i32 = 14_400;
/// Agents that one work item is offered to at once.
const MOST_AT_ONCE: i32 = 20;
/// A week: there are queues of mails.
const ANSWER_TARGET_S: i32 = 604_800;

const AGENT_FIELDS: [&str; 11] = [
    "display_name",
    "address",
    "skills",
    "skill_ends",
    "queue_ids",
    "capacities",
    "default_capacity",
    "total_capacity",
    "work_selection",
    "kind",
    "shift_calendar_id",
];

const QUEUE_FIELDS: [&str; 19] = [
    "display_name",
    "default_priority",
    "offer_timeout_s",
    "wrap_up_s",
    "most_wrap_up_s",
    "max_lapsed_offers",
    "required_skills",
    "most_waiting",
    "overflow_queue_id",
    "answer_target_s",
    "short_abandon_s",
    "selection",
    "most_occupancy_spread",
    "weight",
    "broadcast",
    "commanded",
    "preference",
    "preference_timeout_s",
    "opening_calendar_id",
];

fn all(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

pub(in crate::grpc) fn create_agent(
    body: &pb::CreateAgentRequest,
) -> Result<(Uuid, NewAgent), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    c.require(body.agent.is_some(), "agent", "REQUIRED", "is required");
    let nothing = pb::Agent::default();
    let agent = body.agent.as_ref().unwrap_or(&nothing);
    let new = c.within("agent", |c| {
        set_by_service(c, "id", agent.id.is_empty());
        set_by_service(c, "status", agent.status == 0);
        set_by_service(c, "status_reason", agent.status_reason.is_empty());
        set_by_service(c, "status_time", agent.status_time.is_none());
        set_by_service(c, "present", !agent.present);
        set_by_service(c, "on_shift", agent.on_shift.is_none());
        set_by_service(c, "active_work_items", agent.active_work_items == 0);
        set_by_service(c, "create_time", agent.create_time.is_none());
        set_by_service(c, "update_time", agent.update_time.is_none());
        set_by_service(c, "etag", agent.etag.is_empty());
        NewAgent {
            principal: c
                .text("principal", &agent.principal, 1..=PRINCIPAL_CHARACTERS)
                .into(),
            settings: agent_change(c, &all(&AGENT_FIELDS), agent),
        }
    });
    c.done((request, new))
}

pub(in crate::grpc) fn update_agent(
    body: &pb::UpdateAgentRequest,
) -> Result<(Uuid, AgentId, AgentChange, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("agent_id", &body.agent_id);
    let etag = c.etag(&body.etag);
    let mask = c.mask("update_mask", body.update_mask.as_ref(), &AGENT_FIELDS);
    c.require(body.agent.is_some(), "agent", "REQUIRED", "is required");
    let nothing = pb::Agent::default();
    let agent = body.agent.as_ref().unwrap_or(&nothing);
    let change = c.within("agent", |c| agent_change(c, &mask, agent));
    c.done((request, id, change, etag))
}

fn agent_change(c: &mut Check, mask: &BTreeSet<String>, agent: &pb::Agent) -> AgentChange {
    let set = |field: &str| mask.contains(field);
    let mut change = AgentChange::default();
    if set("display_name") {
        let name = c.text("display_name", &agent.display_name, 1..=NAME_CHARACTERS);
        change.display_name = Some(Personal::from(name));
    }
    if set("address") {
        let address = c.line("address", &agent.address, 0..=ADDRESS_CHARACTERS);
        change.address = Some(Personal::from(address));
    }
    if set("skills") {
        change.skills = Some(skills(c, "skills", &agent.skills, SKILLS_OF_AGENT));
    }
    if set("skill_ends") {
        change.skills_until = Some(skill_ends(c, &agent.skill_ends));
    }
    if set("queue_ids") {
        change.queues = Some(ids(c, "queue_ids", &agent.queue_ids, QUEUES_OF_AGENT));
    }
    if set("capacities") {
        change.capacities = Some(capacities(c, &agent.capacities));
    }
    if set("default_capacity") {
        let range = 0..=MOST_CONCURRENT;
        let most = c.number("default_capacity", agent.default_capacity, range);
        change.usual_capacity = Some(u16::try_from(most).unwrap_or(0).max(1));
    }
    if set("total_capacity") {
        let total = c.number("total_capacity", agent.total_capacity, 0..=MOST_WEIGHT);
        let total = u16::try_from(total).ok().filter(|total| *total > 0);
        change.total_capacity = Some(total);
    }
    if set("work_selection") {
        let rule =
            c.optional_enumeration::<pb::WorkSelection>("work_selection", agent.work_selection);
        let rule = rule.and_then(words::work_selection);
        let rule = rule.unwrap_or(WorkSelection::Oldest);
        change.work_selection = Some(rule);
    }
    if set("shift_calendar_id") {
        change.shifts = Some(c.optional_id("shift_calendar_id", &agent.shift_calendar_id));
    }
    if set("kind") {
        let kind = c.optional_enumeration::<pb::AgentKind>("kind", agent.kind);
        let kind = kind.and_then(words::agent_kind);
        change.kind = Some(kind.unwrap_or(AgentKind::Person));
    }
    change
}

fn skill_ends(c: &mut Check, given: &[pb::SkillEnd]) -> BTreeMap<Code, Micros> {
    let mut ends = BTreeMap::new();
    limit(c, "skill_ends", given.len(), SKILLS_OF_AGENT);
    for (place, end) in given.iter().take(SKILLS_OF_AGENT).enumerate() {
        c.within(format_args!("skill_ends[{place}]"), |c| {
            let until = c.time("end_time", end.end_time.as_ref());
            let Some(skill) = required_code(c, "skill", &end.skill) else {
                return;
            };
            let once = ends.insert(skill, until).is_none();
            c.require(once, "skill", "DUPLICATE", "is named twice");
        });
    }
    ends
}

fn capacities(c: &mut Check, given: &[pb::ChannelCapacity]) -> Vec<ChannelCapacity> {
    let mut named: Vec<ChannelCapacity> = Vec::new();
    limit(c, "capacities", given.len(), Channel::ALL.len());
    for (place, capacity) in given.iter().take(Channel::ALL.len()).enumerate() {
        c.within(format_args!("capacities[{place}]"), |c| {
            let channel: types::Channel = c.enumeration("channel", capacity.channel);
            let range = 0..=MOST_CONCURRENT;
            let most = c.number("concurrent", capacity.concurrent, range);
            let Some(channel) = words::channel(channel) else {
                return;
            };
            let twice = named.iter().any(|known| known.channel == channel);
            c.require(!twice, "channel", "DUPLICATE", "is named twice");
            let weight = capacity.weight.unwrap_or(ChannelCapacity::WEIGHT.into());
            let weight = c.number("weight", weight, 0..=MOST_WEIGHT);
            named.push(ChannelCapacity {
                weight: u16::try_from(weight).unwrap_or(0),
                interrupted_by: interrupted_by(c, channel, &capacity.interrupted_by),
                ..ChannelCapacity::of(channel, u16::try_from(most).unwrap_or(0))
            });
        });
    }
    named
}

fn interrupted_by(c: &mut Check, own: Channel, given: &[i32]) -> BTreeSet<Channel> {
    let mut channels = BTreeSet::new();
    limit(c, "interrupted_by", given.len(), Channel::ALL.len());
    for (place, channel) in given.iter().take(Channel::ALL.len()).enumerate() {
        let field = format!("interrupted_by[{place}]");
        let channel: types::Channel = c.enumeration(&field, *channel);
        let Some(channel) = words::channel(channel) else {
            continue;
        };
        let other = channel != own;
        c.require(other, &field, "ITSELF", "is the channel itself");
        let once = channels.insert(channel);
        c.require(once, &field, "DUPLICATE", "is named twice");
    }
    channels
}

pub(in crate::grpc) fn create_queue(
    body: &pb::CreateQueueRequest,
) -> Result<(Uuid, NewQueue), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    c.require(body.queue.is_some(), "queue", "REQUIRED", "is required");
    let nothing = pb::Queue::default();
    let queue = body.queue.as_ref().unwrap_or(&nothing);
    let (code, settings) = c.within("queue", |c| {
        set_by_service(c, "id", queue.id.is_empty());
        set_by_service(c, "waiting_work_items", queue.waiting_work_items == 0);
        set_by_service(c, "open", !queue.open);
        set_by_service(c, "open_turn_time", queue.open_turn_time.is_none());
        set_by_service(c, "create_time", queue.create_time.is_none());
        set_by_service(c, "update_time", queue.update_time.is_none());
        set_by_service(c, "etag", queue.etag.is_empty());
        c.require(!queue.code.is_empty(), "code", "REQUIRED", "is required");
        let code = super::optional_code(c, "code", &queue.code);
        (code, queue_change(c, &all(&QUEUE_FIELDS), queue))
    });
    // The placeholder never escapes: without a code there is a violation.
    let placeholder = || crate::domain::DEFAULT_QUEUE.parse().ok();
    match code.or_else(placeholder) {
        Some(code) => c.done((request, NewQueue { code, settings })),
        None => Err(Failure::invalid(Vec::new())),
    }
}

pub(in crate::grpc) fn update_queue(
    body: &pb::UpdateQueueRequest,
) -> Result<(Uuid, QueueId, QueueChange, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("queue_id", &body.queue_id);
    let etag = c.etag(&body.etag);
    let mask = c.mask("update_mask", body.update_mask.as_ref(), &QUEUE_FIELDS);
    c.require(body.queue.is_some(), "queue", "REQUIRED", "is required");
    let nothing = pb::Queue::default();
    let queue = body.queue.as_ref().unwrap_or(&nothing);
    let change = c.within("queue", |c| queue_change(c, &mask, queue));
    c.done((request, id, change, etag))
}

fn queue_change(c: &mut Check, mask: &BTreeSet<String>, queue: &pb::Queue) -> QueueChange {
    let set = |field: &str| mask.contains(field);
    let mut change = QueueChange::default();
    if set("display_name") {
        change.display_name =
            Some(c.text("display_name", &queue.display_name, 1..=NAME_CHARACTERS));
    }
    if set("default_priority") {
        let priority = priority(c, "default_priority", queue.default_priority);
        change.default_priority = Some(priority.unwrap_or(Priority::Normal));
    }
    if set("offer_timeout_s") {
        let given = c.number("offer_timeout_s", queue.offer_timeout_s, 0..=600);
        change.offer_timeout = Some(seconds_or(given, Queue::OFFER_TIMEOUT));
    }
    if set("wrap_up_s") {
        change.wrap_up = Some(seconds(c.number("wrap_up_s", queue.wrap_up_s, 0..=3_600)));
    }
    if set("most_wrap_up_s") {
        let most = c.number("most_wrap_up_s", queue.most_wrap_up_s, 0..=MOST_WRAP_UP_S);
        change.most_wrap_up = Some(seconds(most));
    }
    if set("max_lapsed_offers") {
        let most = c.number("max_lapsed_offers", queue.max_lapsed_offers, 0..=100);
        change.max_lapsed_offers = Some(u32::try_from(most).unwrap_or(0).max(1));
    }
    if set("required_skills") {
        let skills = skills(c, "required_skills", &queue.required_skills, SKILLS_OF_WORK);
        change.required_skills = Some(skills);
    }
    if set("most_waiting") {
        let most = queue.most_waiting;
        let most = most.map(|most| c.number("most_waiting", most, 0..=MOST_WAITING));
        change.most_waiting = Some(most.and_then(|most| u32::try_from(most).ok()));
    }
    if set("overflow_queue_id") {
        change.overflow = Some(c.optional_id("overflow_queue_id", &queue.overflow_queue_id));
    }
    if set("answer_target_s") {
        let given = c.number(
            "answer_target_s",
            queue.answer_target_s,
            0..=ANSWER_TARGET_S,
        );
        change.answer_target = Some(seconds_or(given, Queue::ANSWER_TARGET));
    }
    if set("short_abandon_s") {
        let given = c.number("short_abandon_s", queue.short_abandon_s, 0..=3_600);
        change.short_abandon = Some(seconds(given));
    }
    discipline(c, &set, queue, &mut change);
    if set("commanded") {
        change.commanded = Some(queue.commanded);
    }
    if set("opening_calendar_id") {
        let calendar = c.optional_id("opening_calendar_id", &queue.opening_calendar_id);
        change.opening = Some(calendar);
    }
    preference(c, &set, queue, &mut change);
    change
}

/// For whom its work is kept.
fn preference(
    c: &mut Check,
    set: &impl Fn(&str) -> bool,
    queue: &pb::Queue,
    change: &mut QueueChange,
) {
    if set("preference") {
        let given = c.optional_enumeration::<pb::AgentPreference>("preference", queue.preference);
        let given = given.and_then(words::preference);
        change.preference = Some(given.unwrap_or(AgentPreference::Nobody));
    }
    if set("preference_timeout_s") {
        let given = c.number(
            "preference_timeout_s",
            queue.preference_timeout_s,
            0..=3_600,
        );
        change.preference_time = Some(seconds_or(given, Queue::PREFERENCE_TIME));
    }
}

/// How its work finds its agents.
fn discipline(
    c: &mut Check,
    set: &impl Fn(&str) -> bool,
    queue: &pb::Queue,
    change: &mut QueueChange,
) {
    if set("selection") {
        let given = c.optional_enumeration::<pb::AgentSelection>("selection", queue.selection);
        let given = given.and_then(words::selection);
        let given = given.unwrap_or(Selection::LongestIdle);
        change.selection = Some(given);
    }
    if set("most_occupancy_spread") {
        let most = queue.most_occupancy_spread;
        let most = most.map(|most| c.number("most_occupancy_spread", most, 0..=100));
        change.most_occupancy_spread = Some(most.and_then(|most| u8::try_from(most).ok()));
    }
    if set("weight") {
        let given = c.number("weight", queue.weight, 0..=MOST_WEIGHT);
        change.weight = Some(u16::try_from(given).unwrap_or(0).max(1));
    }
    if set("broadcast") {
        let given = c.number("broadcast", queue.broadcast, 0..=MOST_AT_ONCE);
        change.broadcast = Some(u8::try_from(given).unwrap_or(0));
    }
}
