//! What is answered, as the contracts write it.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::etag;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;

mod contact_commands;
mod routing;
mod sla;
mod supervision;
mod tickets;

pub(super) use contact_commands::{contact_command, spoken};
pub(super) use routing::{findings, routing_explanation, routing_policy};
pub(super) use sla::{calendar, explanation, policy, redating};
pub(super) use supervision::{agents_seen, estimate, queues_seen, queues_told};
pub(super) use tickets::{
    counted_ticket, repeat_rule, ticket, ticket_change, ticket_note, ticket_results, told_ticket,
};

use crate::app::desk::DeskEvent;
use crate::app::news;
use crate::app::queues::Counted;
use crate::app::words;
use crate::domain::{
    Callback, ChannelCapacity, Code, CustomerRef, HandOver, Offer, Presence, Status, WorkItem,
    WorkState, text,
};
use crate::store::StoredAgent;

/// What the fields of a work item say about its state.
#[derive(Default)]
struct Progress {
    state: pb::WorkItemState,
    accepted_at: Option<Micros>,
    handled_at: Option<Micros>,
    ended_at: Option<Micros>,
    wrap_up_until: Option<Micros>,
    disposition: Option<Code>,
}

fn progress(state: &WorkState) -> Progress {
    let none = Progress::default();
    match state {
        WorkState::Waiting => Progress {
            state: pb::WorkItemState::Waiting,
            ..none
        },
        WorkState::Offered(_) => Progress {
            state: pb::WorkItemState::Offered,
            ..none
        },
        WorkState::Accepted { at, .. } => Progress {
            state: pb::WorkItemState::Accepted,
            accepted_at: Some(*at),
            ..none
        },
        WorkState::WrappingUp {
            accepted_at,
            at,
            until,
            disposition,
            ..
        } => Progress {
            state: pb::WorkItemState::WrappingUp,
            accepted_at: Some(*accepted_at),
            handled_at: Some(*at),
            wrap_up_until: Some(*until),
            disposition: disposition.clone(),
            ..none
        },
        WorkState::Completed {
            accepted_at,
            handled_at,
            at,
            disposition,
            ..
        } => Progress {
            state: pb::WorkItemState::Completed,
            accepted_at: Some(*accepted_at),
            handled_at: Some(*handled_at),
            ended_at: Some(*at),
            disposition: disposition.clone(),
            ..none
        },
        WorkState::Abandoned { at } => Progress {
            state: pb::WorkItemState::Abandoned,
            ended_at: Some(*at),
            ..none
        },
        WorkState::Withdrawn { at } => Progress {
            state: pb::WorkItemState::Withdrawn,
            ended_at: Some(*at),
            ..none
        },
    }
}

pub(super) fn work_item(work: &WorkItem) -> pb::WorkItem {
    let progress = progress(&work.state);
    let state = match work.next() {
        Some(_) if !work.is_open() => pb::WorkItemState::Transferred,
        _ => progress.state,
    };
    let passage = work.passage.as_deref();
    pb::WorkItem {
        id: work.id.to_string(),
        ticket_id: work.ticket.to_string(),
        interaction_id: text(work.interaction),
        state: state.into(),
        channel: words::channel_out(work.channel).into(),
        queue_id: work.queue.to_string(),
        required_skills: work.skills.texts(),
        priority: words::priority_out(work.priority).into(),
        agent_id: text(work.agent()),
        offer_id: text(work.offer().map(|offer| offer.id)),
        offer_count: i32::try_from(work.offers_made).unwrap_or(i32::MAX),
        queue_time: Some(work.queued_at.into()),
        accept_time: progress.accepted_at.map(Into::into),
        handled_time: progress.handled_at.map(Into::into),
        end_time: progress.ended_at.map(Into::into),
        wrap_up_expire_time: progress.wrap_up_until.map(Into::into),
        disposition: text(progress.disposition),
        etag: etag::of(work.version),
        answer_time: work.figures.answered.map(|answered| answered.at.into()),
        over_capacity: work.figures.over_capacity,
        handed_over: work.handed_over,
        previous_work_item_id: text(passage.and_then(|passage| passage.before)),
        next_work_item_id: text(work.next()),
        transfer_count: passage.map_or(0, |passage| passage.hops.into()),
        turn_time: Some(work.turn().into()),
        kept_for_agent_id: text(work.kept().map(|kept| kept.agent)),
        kept_until_time: work.kept().map(|kept| kept.until.into()),
        transfer_note_id: text(passage.and_then(|passage| passage.note)),
        hold_time: work.held_since().map(Into::into),
        hold_duration: passage.map(|passage| duration(passage.held)),
        consult_work_item_id: text(work.consult()),
        consult_of_work_item_id: text(work.consult_of()),
        conference: passage.is_some_and(|passage| passage.conference),
        callback: work.callback().map(callback),
        park_time: work.parked().map(|parked| parked.since.into()),
        park_expire_time: work.parked().map(|parked| parked.until.into()),
        park_duration: Some(work.figures.parked_before)
            .filter(|span| !span.is_zero())
            .map(duration),
    }
}

fn callback(callback: Callback) -> pb::Callback {
    pb::Callback {
        attempts_left: callback.attempts_left.into(),
        pause_until_time: callback.paused_until.map(Into::into),
        called: callback.called.is_some(),
        call_time: callback.called.map(Into::into),
    }
}

fn duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or(0),
    }
}

pub(super) fn hand_over(given: &HandOver) -> pb::HandOver {
    let entry = |(key, value): &(Code, Personal)| pb::HandOverEntry {
        key: key.to_string(),
        value: value.expose().to_owned(),
    };
    pb::HandOver {
        agent_id: given.agent.to_string(),
        hand_over_time: Some(given.at.into()),
        entries: given.entries.iter().map(entry).collect(),
    }
}

fn offer(offer: &Offer, work: &WorkItem, given: Option<&HandOver>) -> pb::Offer {
    pb::Offer {
        id: offer.id.to_string(),
        agent_id: offer.agent.to_string(),
        // Of several offers it is this one that its agent is told of.
        work_item: Some(pb::WorkItem {
            agent_id: offer.agent.to_string(),
            offer_id: offer.id.to_string(),
            ..work_item(work)
        }),
        customer: work.customer.map(customer),
        offer_time: Some(offer.made_at.into()),
        expire_time: Some(offer.expires_at.into()),
        hand_over: given.map(|given| Box::new(hand_over(given))),
    }
}

pub(super) fn agent(stored: &StoredAgent) -> pb::Agent {
    let StoredAgent { agent, holds } = stored;
    pb::Agent {
        id: agent.id.to_string(),
        principal: agent.principal.expose().to_owned(),
        display_name: agent.display_name.expose().to_owned(),
        skills: agent.skills.texts(),
        queue_ids: agent.queues.iter().map(ToString::to_string).collect(),
        capacities: agent.capacity.named.iter().map(channel_capacity).collect(),
        default_capacity: agent.capacity.usual.into(),
        total_capacity: agent.capacity.total.map_or(0, Into::into),
        status: agent_status(agent.standing.status).into(),
        status_reason: text(agent.standing.reason.as_ref()),
        status_time: Some(agent.standing.status_since.into()),
        present: agent.standing.presence == Presence::Present,
        active_work_items: i32::try_from(*holds).unwrap_or(i32::MAX),
        create_time: Some(agent.created_at.into()),
        update_time: Some(agent.updated_at.into()),
        etag: etag::of(agent.version),
        skill_ends: agent.skills_until.iter().map(skill_end).collect(),
        work_selection: words::work_selection_out(agent.work_selection).into(),
        kind: words::agent_kind_out(agent.kind).into(),
        shift_calendar_id: text(agent.shifts),
        on_shift: agent.standing.shift.map(|shift| shift.on),
        address: agent.address.expose().to_owned(),
    }
}

fn channel_capacity(capacity: &ChannelCapacity) -> pb::ChannelCapacity {
    let between = capacity.interrupted_by.iter();
    pb::ChannelCapacity {
        channel: words::channel_out(capacity.channel).into(),
        concurrent: capacity.concurrent.into(),
        weight: Some(capacity.weight.into()),
        interrupted_by: between.map(|c| words::channel_out(*c).into()).collect(),
    }
}

fn codes(codes: &BTreeSet<Code>) -> Vec<String> {
    codes.iter().map(ToString::to_string).collect()
}

fn skill_end((skill, until): (&Code, &Micros)) -> pb::SkillEnd {
    pb::SkillEnd {
        skill: skill.to_string(),
        end_time: Some((*until).into()),
    }
}

pub(super) fn queue(counted: Counted) -> pb::Queue {
    let Counted {
        queue,
        waiting,
        turn,
    } = counted;
    let seconds = |span: std::time::Duration| i32::try_from(span.as_secs()).unwrap_or(i32::MAX);
    pb::Queue {
        id: queue.id.to_string(),
        code: queue.code.to_string(),
        display_name: queue.display_name,
        default_priority: words::priority_out(queue.default_priority).into(),
        offer_timeout_s: seconds(queue.offer_timeout),
        wrap_up_s: seconds(queue.wrap_up),
        max_lapsed_offers: i32::try_from(queue.max_lapsed_offers).unwrap_or(i32::MAX),
        required_skills: queue.required_skills.texts(),
        most_waiting: (queue.most_waiting).map(|most| i32::try_from(most).unwrap_or(i32::MAX)),
        overflow_queue_id: text(queue.overflow),
        answer_target_s: seconds(queue.answer_target),
        short_abandon_s: seconds(queue.short_abandon),
        selection: words::selection_out(queue.discipline.selection).into(),
        most_occupancy_spread: queue.discipline.most_occupancy_spread.map(Into::into),
        weight: queue.discipline.weight.into(),
        broadcast: queue.discipline.broadcast.into(),
        commanded: queue.commanded,
        most_wrap_up_s: seconds(queue.most_wrap_up),
        preference: words::preference_out(queue.preference).into(),
        preference_timeout_s: seconds(queue.preference_time),
        opening_calendar_id: text(queue.opening),
        open: turn.is_none_or(|(open, _)| open),
        open_turn_time: turn.map(|(_, at)| at.into()),
        waiting_work_items: i32::try_from(waiting).unwrap_or(i32::MAX),
        create_time: Some(queue.created_at.into()),
        update_time: Some(queue.updated_at.into()),
        etag: etag::of(queue.version),
    }
}

pub(super) fn desk_event(event: DeskEvent) -> pb::WatchOffersResponse {
    use pb::watch_offers_response::Event;
    let event = match event {
        DeskEvent::Snapshot {
            agent: stored,
            held,
            hand_overs,
        } => {
            let id = stored.agent.id;
            let offers = held.iter().filter_map(|work| {
                let given = hand_overs.iter().find(|given| given.item == work.id);
                Some(offer(work.offer_to(id)?, work, given))
            });
            let accepted = held.iter().filter(|work| work.offer().is_none());
            Event::Snapshot(pb::DeskSnapshot {
                agent: Some(agent(&stored)),
                offers: offers.collect(),
                work_items: accepted.map(work_item).collect(),
            })
        }
        DeskEvent::Offered {
            offer: made,
            work,
            hand_over: given,
        } => Event::Offer(offer(&made, &work, given.as_deref())),
        DeskEvent::OfferEnded { offer, reason, at } => Event::OfferEnd(pb::OfferEnd {
            offer_id: offer.id.to_string(),
            work_item_id: offer.item.to_string(),
            reason: news::end_reason(reason).into(),
            end_time: Some(at.into()),
        }),
        DeskEvent::Work(work) => Event::WorkItem(work_item(&work)),
        DeskEvent::Agent(stored) => Event::Agent(agent(&stored)),
        DeskEvent::Command(command) => Event::ContactCommand(contact_command(&command)),
        DeskEvent::Heartbeat(at) => Event::Heartbeat(pb::DeskHeartbeat {
            time: Some(at.into()),
        }),
    };
    pb::WatchOffersResponse { event: Some(event) }
}

fn customer(customer: CustomerRef) -> types::CustomerRef {
    types::CustomerRef {
        customer_id: customer.customer.to_string(),
        record_id: customer.record.to_string(),
    }
}

const fn agent_status(status: Status) -> pb::AgentStatus {
    match status {
        Status::Offline => pb::AgentStatus::Offline,
        Status::Available => pb::AgentStatus::Available,
        Status::Away => pb::AgentStatus::Away,
        Status::NotResponding => pb::AgentStatus::NotResponding,
    }
}
