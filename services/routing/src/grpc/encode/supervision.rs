//! What supervisors see.

use rapport_proto::routing::v1 as pb;

use super::{agent_status, duration as span, text};
use crate::app::watch::{AgentView, Forecast, QueueView, Seen};
use crate::app::words;
use crate::domain::statistics::{StaffCount, Sums};
use crate::domain::{Adherence, AgentState, Channel, Status};

pub(in crate::grpc) fn queues_seen(seen: Seen<QueueView>) -> pb::WatchQueuesResponse {
    let pb::GetQueueStatisticsResponse {
        queues,
        snapshot_time,
        window_start_time,
    } = queues_told(seen);
    pb::WatchQueuesResponse {
        queues,
        snapshot_time,
        window_start_time,
    }
}

pub(in crate::grpc) fn queues_told(seen: Seen<QueueView>) -> pb::GetQueueStatisticsResponse {
    pb::GetQueueStatisticsResponse {
        queues: seen.views.iter().map(queue).collect(),
        snapshot_time: Some(seen.at.into()),
        window_start_time: Some(seen.from.into()),
    }
}

pub(in crate::grpc) fn agents_seen(seen: Seen<AgentView>) -> pb::WatchAgentsResponse {
    pb::WatchAgentsResponse {
        agents: seen.views.iter().map(agent).collect(),
        snapshot_time: Some(seen.at.into()),
    }
}

pub(in crate::grpc) fn estimate(forecast: &Forecast) -> pb::WaitEstimate {
    let place = forecast.ahead.map(|ahead| count(ahead.saturating_add(1)));
    pb::WaitEstimate {
        queue_id: forecast.queue.to_string(),
        position: place.unwrap_or(0),
        agent_free: forecast.agent_free,
        staffed: forecast.staffed,
        p50: forecast.promise.map(|promise| span(promise.p50)),
        p90: forecast.promise.map(|promise| span(promise.p90)),
        coverage: Some(coverage(&forecast.kept)),
    }
}

fn queue(view: &QueueView) -> pb::QueueStatistics {
    pb::QueueStatistics {
        queue_id: view.queue.to_string(),
        waiting: count(view.load.waiting),
        oldest_waiting_time: view.load.oldest.map(Into::into),
        offered: count(view.load.offered),
        in_hand: count(view.load.in_hand),
        wrap_up: count(view.load.wrap_up),
        staff: Some(staff(&view.staff)),
        window: Some(window(&view.sums, view.occupancy)),
    }
}

fn staff(staff: &StaffCount) -> pb::StaffStatistics {
    let statuses = Status::ALL.iter().zip(staff.by_status);
    let statuses = statuses.filter(|(_, agents)| *agents > 0);
    pb::StaffStatistics {
        idle: count(staff.idle),
        offered: count(staff.offered),
        busy: count(staff.busy),
        wrap_up: count(staff.wrap_up),
        away: count(staff.away),
        not_responding: count(staff.not_responding),
        unreachable: count(staff.unreachable),
        offline: count(staff.offline),
        statuses: statuses
            .map(|(status, agents)| pb::StatusCount {
                status: agent_status(*status).into(),
                agents: count(agents),
            })
            .collect(),
    }
}

fn window(sums: &Sums, occupancy: Option<u16>) -> pb::WindowStatistics {
    pb::WindowStatistics {
        queued: sum(sums.queued),
        answered: sum(sums.answered),
        answered_in_time: sum(sums.in_time),
        abandoned: sum(sums.abandoned),
        short_abandoned: sum(sums.left_early),
        withdrawn: sum(sums.withdrawn),
        completed: sum(sums.completed),
        service_level: sums.service_level(),
        abandonment: sums.abandonment(),
        speed_of_answer: sums.speed_of_answer().map(span),
        handle_time: sums.handle_time().map(span),
        wrap_up_time: sums.wrap_up_time().map(span),
        occupancy: occupancy.map(|permille| f64::from(permille) / 1_000.0),
        coverage: Some(coverage(sums)),
        transferred: sum(sums.transferred),
        hold_time: sums.hold_time().map(span),
    }
}

fn coverage(sums: &Sums) -> pb::EstimateCoverage {
    let shares = sums.coverage();
    pb::EstimateCoverage {
        estimated: sum(sums.promised),
        p50: shares.map(|(p50, _)| p50),
        p90: shares.map(|(_, p90)| p90),
    }
}

fn agent(view: &AgentView) -> pb::AgentActivity {
    let load = |channel: &Channel| pb::ChannelLoad {
        channel: words::channel_out(*channel).into(),
        in_hand: view.in_hand.get(*channel).into(),
        capacity: view.limit.get(*channel).into(),
    };
    let loads = Channel::ALL.iter().map(load);
    pb::AgentActivity {
        agent_id: view.agent.to_string(),
        status: agent_status(view.status).into(),
        status_reason: text(view.reason.as_ref()),
        status_time: Some(view.status_since.into()),
        present: view.present,
        state: state(view.state).into(),
        state_time: Some(view.state_since.into()),
        channels: loads
            .filter(|load| load.in_hand > 0 || load.capacity > 0)
            .collect(),
        adherence: view.adherence.map_or(0, |one| adherence(one).into()),
        shift_turn_time: view.shift_until.map(Into::into),
        parked: count(view.parked),
    }
}

const fn adherence(adherence: Adherence) -> pb::ShiftAdherence {
    match adherence {
        Adherence::OnShift => pb::ShiftAdherence::OnShift,
        Adherence::Missing => pb::ShiftAdherence::Missing,
        Adherence::Overtime => pb::ShiftAdherence::Overtime,
        Adherence::OffShift => pb::ShiftAdherence::OffShift,
    }
}

const fn state(state: AgentState) -> pb::AgentState {
    match state {
        AgentState::Idle => pb::AgentState::Idle,
        AgentState::Offered => pb::AgentState::Offered,
        AgentState::WrapUp => pb::AgentState::WrapUp,
        AgentState::Busy => pb::AgentState::Busy,
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn sum(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
