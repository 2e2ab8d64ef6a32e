use std::time::Duration;

use rapport_foundation::etag;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::sla_step::Action as Asked;

use super::words;
use crate::app::Explained;
use crate::domain::sla::{
    Action, Calendar, Clock, Exception, Hours, Mark, Opening, Outcome, Pause, Policy, Redating,
    Span, Step, Target, WaitingOn, Weekday, Weekly,
};

/// Clocks told of a ticket, and intervals of each list of a clock: an answer must fit into a message.
const CLOCKS_MAX: usize = 100;
const INTERVALS_MAX: usize = 500;

pub(in crate::grpc) fn calendar(calendar: Calendar) -> pb::Calendar {
    let timetable = calendar.timetable;
    pb::Calendar {
        id: calendar.id.to_string(),
        code: calendar.code.to_string(),
        display_name: calendar.display_name,
        time_zone: timetable.zone,
        weekly_openings: timetable.weekly.iter().map(weekly).collect(),
        exceptions: timetable.exceptions.into_iter().map(exception).collect(),
        create_time: Some(calendar.created_at.into()),
        update_time: Some(calendar.updated_at.into()),
        etag: etag::of(calendar.version),
        version: calendar.version,
    }
}

fn weekly(at: &Weekly) -> pb::WeeklyOpening {
    pb::WeeklyOpening {
        day: weekday(at.day).into(),
        start_minute: at.opening.from.into(),
        end_minute: at.opening.to.into(),
    }
}

fn exception(exception: Exception) -> pb::CalendarException {
    let opening = |opening: &Opening| pb::CalendarOpening {
        start_minute: opening.from.into(),
        end_minute: opening.to.into(),
    };
    pb::CalendarException {
        date: exception.date.to_string(),
        openings: exception.openings.iter().map(opening).collect(),
        display_name: exception.label,
    }
}

pub(in crate::grpc) fn policy(policy: Policy) -> pb::SlaPolicy {
    let promise = policy.promise;
    let conditions = promise.conditions;
    let priorities = conditions.priorities.into_iter().map(words::priority_out);
    let channels = conditions.channels.into_iter().map(words::channel_out);
    let purposes = conditions.purposes.into_iter().map(words::purpose_out);
    pb::SlaPolicy {
        id: policy.id.to_string(),
        code: policy.code.to_string(),
        display_name: policy.display_name,
        rank: promise.rank,
        disabled: promise.disabled,
        calendar_id: promise.calendar.to_string(),
        conditions: Some(pb::SlaConditions {
            queue_ids: conditions.queues.iter().map(ToString::to_string).collect(),
            priorities: priorities.map(Into::into).collect(),
            channels: channels.map(Into::into).collect(),
            purposes: purposes.map(Into::into).collect(),
        }),
        targets: promise.targets.iter().map(target).collect(),
        steps: promise.steps.iter().map(step).collect(),
        create_time: Some(policy.created_at.into()),
        update_time: Some(policy.updated_at.into()),
        etag: etag::of(policy.version),
        version: policy.version,
    }
}

fn target(target: &Target) -> pb::SlaTarget {
    pb::SlaTarget {
        clock: words::clock_kind_out(target.clock).into(),
        within_s: seconds(target.within),
        pauses: target.pauses.iter().map(|on| waiting(*on).into()).collect(),
    }
}

fn step(step: &Step) -> pb::SlaStep {
    let action = match &step.action {
        Action::Notify => Asked::Notify(pb::SlaNotify {}),
        Action::RaisePriority(priority) => {
            Asked::RaisePriorityTo(words::priority_out(*priority).into())
        }
        Action::Move(queue) => Asked::MoveToQueueId(queue.to_string()),
        Action::Assign(agent) => Asked::AssignToAgentId(agent.to_string()),
    };
    pb::SlaStep {
        code: step.code.to_string(),
        clock: words::clock_kind_out(step.clock).into(),
        offset_s: i32::try_from(step.offset_s).unwrap_or_default(),
        action: Some(action),
    }
}

pub(in crate::grpc) fn redating(redating: Redating, partial: bool) -> pb::SlaRedating {
    let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    pb::SlaRedating {
        open_tickets: count(redating.tickets),
        changed_tickets: count(redating.tickets_changed),
        clocks_sooner: count(redating.clocks_sooner),
        clocks_later: count(redating.clocks_later),
        clocks_started: count(redating.clocks_started),
        clocks_stopped: count(redating.clocks_stopped),
        breaches_found: count(redating.breaches_found),
        partial,
    }
}

pub(in crate::grpc) fn explanation(explained: &Explained) -> pb::SlaExplanation {
    let mut told = pb::SlaExplanation {
        ticket_id: explained.ticket.to_string(),
        explain_time: Some(explained.at.into()),
        ..Default::default()
    };
    let Some((edition, hours)) = &explained.terms else {
        return told;
    };
    told.sla_policy_id = edition.policy.to_string();
    told.sla_policy_version = edition.policy_version;
    told.calendar_id = edition.calendar.to_string();
    told.calendar_version = edition.calendar_version;
    told.time_zone = hours.zone().to_owned();
    let omitted = explained.clocks.len().saturating_sub(CLOCKS_MAX);
    told.omitted_clocks = i32::try_from(omitted).unwrap_or(i32::MAX);
    let clocks = explained.clocks.iter().skip(omitted);
    told.clocks = clocks
        .map(|clock| self::clock(clock, hours, explained))
        .collect();
    told
}

fn clock(clock: &Clock, hours: &Hours, explained: &Explained) -> pb::SlaClock {
    let counted = clock.counted(hours, explained.at);
    let length: Duration = counted.iter().map(|span| span.length()).sum();
    let counted = counted.iter().map(|span: &Span| pb::SlaInterval {
        start_time: Some(span.from.into()),
        end_time: Some(span.to.into()),
        reason: 0,
    });
    let stretches = clock.stretches.iter();
    let paused = stretches.filter_map(|stretch| {
        Some(pb::SlaInterval {
            start_time: Some(stretch.from.into()),
            end_time: stretch.to.map(Into::into),
            reason: reason(stretch.paused?).into(),
        })
    });
    let (counted_intervals, left) = last(counted.collect());
    let (paused_intervals, also_left) = last(paused.collect());
    let marks = explained.marks.iter().filter(|mark| mark.clock == clock.id);
    pb::SlaClock {
        kind: words::clock_kind_out(clock.id.kind).into(),
        cycle: i32::try_from(clock.id.cycle).unwrap_or(i32::MAX),
        within_s: seconds(clock.target),
        state: state(clock).into(),
        start_time: Some(clock.started.into()),
        due_time: clock.due.map(Into::into),
        end_time: clock.ended.map(|(at, _)| at.into()),
        breached: clock.is_breached(explained.at),
        counted_ms: i64::try_from(length.as_millis()).unwrap_or(i64::MAX),
        counted_intervals,
        paused_intervals,
        omitted_intervals: i32::try_from(left + also_left).unwrap_or(i32::MAX),
        marks: marks.map(mark).collect(),
    }
}

/// The last of many, and how many were left out.
fn last(mut intervals: Vec<pb::SlaInterval>) -> (Vec<pb::SlaInterval>, usize) {
    let left = intervals.len().saturating_sub(INTERVALS_MAX);
    intervals.drain(..left);
    (intervals, left)
}

fn mark(mark: &Mark) -> pb::SlaMark {
    let time = |at: Micros| Some(at.into());
    pb::SlaMark {
        step: mark
            .step
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        due_time: time(mark.due),
        mark_time: time(mark.at),
        found: mark.found,
    }
}

fn state(clock: &Clock) -> pb::SlaClockState {
    match (clock.ended, clock.paused()) {
        (Some((_, Outcome::Met)), _) => pb::SlaClockState::Met,
        (Some((_, Outcome::Moot)), _) => pb::SlaClockState::Moot,
        (None, Some(_)) => pb::SlaClockState::Paused,
        (None, None) => pb::SlaClockState::Running,
    }
}

const fn reason(pause: Pause) -> pb::SlaPauseReason {
    match pause {
        Pause::WaitingOnCustomer => pb::SlaPauseReason::WaitingOnCustomer,
        Pause::WaitingOnThirdParty => pb::SlaPauseReason::WaitingOnThirdParty,
        Pause::Resolved => pb::SlaPauseReason::Resolved,
    }
}

pub(super) const fn waiting(on: WaitingOn) -> pb::TicketWaitingOn {
    match on {
        WaitingOn::Customer => pb::TicketWaitingOn::Customer,
        WaitingOn::ThirdParty => pb::TicketWaitingOn::ThirdParty,
    }
}

const fn weekday(day: Weekday) -> pb::DayOfWeek {
    match day {
        Weekday::Monday => pb::DayOfWeek::Monday,
        Weekday::Tuesday => pb::DayOfWeek::Tuesday,
        Weekday::Wednesday => pb::DayOfWeek::Wednesday,
        Weekday::Thursday => pb::DayOfWeek::Thursday,
        Weekday::Friday => pb::DayOfWeek::Friday,
        Weekday::Saturday => pb::DayOfWeek::Saturday,
        Weekday::Sunday => pb::DayOfWeek::Sunday,
    }
}

fn seconds(span: Duration) -> i32 {
    i32::try_from(span.as_secs()).unwrap_or(i32::MAX)
}
