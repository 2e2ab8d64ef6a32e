//! Calendars and policies as they are set up by hand.

use std::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate};
use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{CalendarId, SlaPolicyId};
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::sla_step::Action as Asked;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use super::settings::NAME_CHARACTERS;
use super::{Etag, ids, limit, optional_code, paging, priority, seconds, set_by_service};
use crate::app::Paging;
use crate::app::command::{NewCalendar, NewPolicy};
use crate::app::words;
use crate::domain::sla::{
    Action, CalendarChange, ClockKind, Conditions, Exception, Hours, Opening, PolicyChange, Step,
    Target, Timetable, WaitingOn, Weekday, Weekly,
};
use crate::domain::{Code, DEFAULT_QUEUE, Priority};
use crate::error::violation;

const CALENDAR_FIELDS: [&str; 4] = ["display_name", "time_zone", "weekly_openings", "exceptions"];
const POLICY_FIELDS: [&str; 7] = [
    "display_name",
    "rank",
    "disabled",
    "calendar_id",
    "conditions",
    "targets",
    "steps",
];
const QUEUES: usize = 100;
const STEPS: usize = 20;
const RANK_MAX: i32 = 1_000_000;
/// A year without closing: more than ten of a week of forty hours, so every due time is within the horizon.
const SECONDS_MAX: i32 = 31_536_000;

fn all(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

/// A required code. The placeholder never escapes: without a code there is a violation.
fn code(c: &mut Check, text: &str) -> Result<Code, Failure> {
    c.require(!text.is_empty(), "code", "REQUIRED", "is required");
    let code = optional_code(c, "code", text);
    let placeholder = || DEFAULT_QUEUE.parse().ok();
    code.or_else(placeholder)
        .ok_or_else(|| Failure::invalid(Vec::new()))
}

pub(in crate::grpc) fn list_calendars(
    body: &pb::ListCalendarsRequest,
) -> Result<(Option<Code>, Paging), Failure> {
    let mut c = Check::new();
    let code = optional_code(&mut c, "code", &body.code);
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((code, paging))
}

pub(in crate::grpc) fn list_policies(
    body: &pb::ListSlaPoliciesRequest,
) -> Result<(Option<Code>, Paging), Failure> {
    let mut c = Check::new();
    let code = optional_code(&mut c, "code", &body.code);
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((code, paging))
}

pub(in crate::grpc) fn create_calendar(
    body: &pb::CreateCalendarRequest,
) -> Result<(Uuid, NewCalendar), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    c.require(
        body.calendar.is_some(),
        "calendar",
        "REQUIRED",
        "is required",
    );
    let nothing = pb::Calendar::default();
    let calendar = body.calendar.as_ref().unwrap_or(&nothing);
    let (code, settings) = c.within("calendar", |c| {
        set_by_service(c, "id", calendar.id.is_empty());
        set_by_service(c, "create_time", calendar.create_time.is_none());
        set_by_service(c, "update_time", calendar.update_time.is_none());
        set_by_service(c, "etag", calendar.etag.is_empty());
        set_by_service(c, "version", calendar.version == 0);
        let code = code(c, &calendar.code);
        (code, calendar_change(c, &all(&CALENDAR_FIELDS), calendar))
    });
    let code = code?;
    c.done((request, NewCalendar { code, settings }))
}

pub(in crate::grpc) fn update_calendar(
    body: &pb::UpdateCalendarRequest,
) -> Result<(Uuid, CalendarId, CalendarChange, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("calendar_id", &body.calendar_id);
    let etag = c.etag(&body.etag);
    let mask = c.mask("update_mask", body.update_mask.as_ref(), &CALENDAR_FIELDS);
    c.require(
        body.calendar.is_some(),
        "calendar",
        "REQUIRED",
        "is required",
    );
    let nothing = pb::Calendar::default();
    let calendar = body.calendar.as_ref().unwrap_or(&nothing);
    let change = c.within("calendar", |c| calendar_change(c, &mask, calendar));
    c.done((request, id, change, etag))
}

fn calendar_change(
    c: &mut Check,
    mask: &BTreeSet<String>,
    calendar: &pb::Calendar,
) -> CalendarChange {
    let set = |field: &str| mask.contains(field);
    let mut change = CalendarChange::default();
    if set("display_name") {
        let name = c.line("display_name", &calendar.display_name, 1..=NAME_CHARACTERS);
        change.display_name = Some(name);
    }
    if set("time_zone") {
        change.zone = Some(calendar.time_zone.clone());
    }
    if set("weekly_openings") {
        change.weekly = Some(weekly(c, &calendar.weekly_openings));
    }
    if set("exceptions") {
        change.exceptions = Some(exceptions(c, &calendar.exceptions));
    }
    if !c.failed() {
        check_timetable(c, &change);
    }
    change
}

/// Everything that is wrong with what is given; what is not given is taken to be right.
fn check_timetable(c: &mut Check, change: &CalendarChange) {
    let opening = Opening {
        from: 0,
        to: Opening::DAY,
    };
    let some = || {
        vec![Weekly {
            day: Weekday::Monday,
            opening,
        }]
    };
    let timetable = Timetable {
        zone: change.zone.clone().unwrap_or_else(|| "UTC".to_owned()),
        weekly: change.weekly.clone().unwrap_or_else(some),
        exceptions: change.exceptions.clone().unwrap_or_default(),
    };
    for fault in Hours::new(&timetable).err().unwrap_or_default() {
        let violation = violation(fault);
        c.fail(&violation.field, violation.reason, violation.description);
    }
}

fn opening(start: i32, end: i32) -> Opening {
    // What is no minute at all is no possible opening either.
    let minute = |minute: i32| u16::try_from(minute).unwrap_or(u16::MAX);
    Opening {
        from: minute(start),
        to: minute(end),
    }
}

fn weekly(c: &mut Check, given: &[pb::WeeklyOpening]) -> Vec<Weekly> {
    limit(c, "weekly_openings", given.len(), Timetable::WEEKLY_MAX);
    let mut openings = Vec::new();
    for (place, given) in given.iter().take(Timetable::WEEKLY_MAX).enumerate() {
        let field = format!("weekly_openings[{place}].day");
        if let Some(day) = weekday(c.enumeration(&field, given.day)) {
            openings.push(Weekly {
                day,
                opening: opening(given.start_minute, given.end_minute),
            });
        }
    }
    openings
}

fn exceptions(c: &mut Check, given: &[pb::CalendarException]) -> Vec<Exception> {
    limit(c, "exceptions", given.len(), Timetable::EXCEPTIONS_MAX);
    let mut exceptions = Vec::new();
    for (place, given) in given.iter().take(Timetable::EXCEPTIONS_MAX).enumerate() {
        c.within(format_args!("exceptions[{place}]"), |c| {
            let most = Timetable::EXCEPTION_OPENINGS_MAX;
            limit(c, "openings", given.openings.len(), most);
            let openings = given.openings.iter().take(most);
            let label = c.line("display_name", &given.display_name, 0..=NAME_CHARACTERS);
            let date = date(&given.date);
            c.require(
                date.is_some(),
                "date",
                "MALFORMED_DATE",
                "is not a date between 1970 and 2200 of the form YYYY-MM-DD",
            );
            exceptions.extend(date.map(|date| {
                Exception {
                    date,
                    openings: openings
                        .map(|at| opening(at.start_minute, at.end_minute))
                        .collect(),
                    label,
                }
            }));
        });
    }
    exceptions
}

fn date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    let written_so = date.to_string() == text;
    (written_so && (1970..2200).contains(&date.year())).then_some(date)
}

pub(in crate::grpc) fn create_policy(
    body: &pb::CreateSlaPolicyRequest,
) -> Result<(Uuid, NewPolicy), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    c.require(
        body.sla_policy.is_some(),
        "sla_policy",
        "REQUIRED",
        "is required",
    );
    let nothing = pb::SlaPolicy::default();
    let policy = body.sla_policy.as_ref().unwrap_or(&nothing);
    let (code, settings) = c.within("sla_policy", |c| {
        set_by_service(c, "id", policy.id.is_empty());
        set_by_service(c, "create_time", policy.create_time.is_none());
        set_by_service(c, "update_time", policy.update_time.is_none());
        set_by_service(c, "etag", policy.etag.is_empty());
        set_by_service(c, "version", policy.version == 0);
        let code = code(c, &policy.code);
        (code, policy_change(c, &all(&POLICY_FIELDS), policy))
    });
    let code = code?;
    c.done((request, NewPolicy { code, settings }))
}

pub(in crate::grpc) fn update_policy(
    body: &pb::UpdateSlaPolicyRequest,
) -> Result<(Uuid, SlaPolicyId, PolicyChange, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("sla_policy_id", &body.sla_policy_id);
    let etag = c.etag(&body.etag);
    let mask = c.mask("update_mask", body.update_mask.as_ref(), &POLICY_FIELDS);
    c.require(
        body.sla_policy.is_some(),
        "sla_policy",
        "REQUIRED",
        "is required",
    );
    let nothing = pb::SlaPolicy::default();
    let policy = body.sla_policy.as_ref().unwrap_or(&nothing);
    let change = c.within("sla_policy", |c| policy_change(c, &mask, policy));
    c.done((request, id, change, etag))
}

fn policy_change(c: &mut Check, mask: &BTreeSet<String>, policy: &pb::SlaPolicy) -> PolicyChange {
    let set = |field: &str| mask.contains(field);
    let mut change = PolicyChange::default();
    if set("display_name") {
        let name = c.line("display_name", &policy.display_name, 1..=NAME_CHARACTERS);
        change.display_name = Some(name);
    }
    if set("rank") {
        change.rank = Some(c.number("rank", policy.rank, 0..=RANK_MAX));
    }
    if set("disabled") {
        change.disabled = Some(policy.disabled);
    }
    if set("calendar_id") {
        change.calendar = Some(c.id("calendar_id", &policy.calendar_id));
    }
    if set("conditions") {
        let nothing = pb::SlaConditions::default();
        let given = policy.conditions.as_ref().unwrap_or(&nothing);
        change.conditions = Some(c.within("conditions", |c| conditions(c, given)));
    }
    if set("targets") {
        change.targets = Some(targets(c, &policy.targets));
    }
    if set("steps") {
        change.steps = Some(steps(c, &policy.steps));
    }
    change
}

fn conditions(c: &mut Check, given: &pb::SlaConditions) -> Conditions {
    Conditions {
        queues: ids(c, "queue_ids", &given.queue_ids, QUEUES),
        priorities: named::<types::Priority, _>(
            c,
            "priorities",
            &given.priorities,
            words::priority,
        ),
        channels: named::<types::Channel, _>(c, "channels", &given.channels, words::channel),
        purposes: named::<types::Purpose, _>(c, "purposes", &given.purposes, words::purpose),
    }
}

/// A set of members of an enumeration, each named once at most.
fn named<E: TryFrom<i32> + Default, T: Ord>(
    c: &mut Check,
    field: &str,
    given: &[i32],
    word: impl Fn(E) -> Option<T>,
) -> BTreeSet<T> {
    /// More than any of these enumerations has.
    const MOST: usize = 32;
    limit(c, field, given.len(), MOST);
    let mut set = BTreeSet::new();
    for (place, raw) in given.iter().take(MOST).enumerate() {
        let field = format!("{field}[{place}]");
        let one = word(c.enumeration(&field, *raw));
        let fresh = one.is_none_or(|one| set.insert(one));
        c.require(fresh, &field, "DUPLICATE", "is named twice");
    }
    set
}

fn targets(c: &mut Check, given: &[pb::SlaTarget]) -> Vec<Target> {
    let most = ClockKind::ALL.len();
    limit(c, "targets", given.len(), most);
    c.require(!given.is_empty(), "targets", "REQUIRED", "is required");
    let mut targets: Vec<Target> = Vec::new();
    for (place, given) in given.iter().take(most).enumerate() {
        c.within(format_args!("targets[{place}]"), |c| {
            let within = seconds(c.number("within_s", given.within_s, 1..=SECONDS_MAX));
            let pauses = named::<pb::TicketWaitingOn, _>(c, "pauses", &given.pauses, waiting);
            let Some(clock) = words::clock_kind(c.enumeration("clock", given.clock)) else {
                return;
            };
            let twice = targets.iter().any(|known| known.clock == clock);
            c.require(!twice, "clock", "DUPLICATE", "is named twice");
            targets.push(Target {
                clock,
                within,
                pauses,
            });
        });
    }
    targets
}
fn steps(c: &mut Check, given: &[pb::SlaStep]) -> Vec<Step> {
    limit(c, "steps", given.len(), STEPS);
    let mut steps: Vec<Step> = Vec::new();
    for (place, given) in given.iter().take(STEPS).enumerate() {
        c.within(format_args!("steps[{place}]"), |c| {
            c.require(!given.code.is_empty(), "code", "REQUIRED", "is required");
            let code = optional_code(c, "code", &given.code);
            let clock = words::clock_kind(c.enumeration("clock", given.clock));
            let offset = c.number("offset_s", given.offset_s, -SECONDS_MAX..=SECONDS_MAX);
            let action = action(c, given.action.as_ref());
            let (Some(code), Some(clock)) = (code, clock) else {
                return;
            };
            let twice = steps.iter().any(|known| known.code == code);
            c.require(!twice, "code", "DUPLICATE", "is named twice");
            steps.push(Step {
                code,
                clock,
                offset_s: offset.into(),
                action,
            });
        });
    }
    steps
}

fn action(c: &mut Check, given: Option<&Asked>) -> Action {
    match given {
        Some(Asked::Notify(_)) => Action::Notify,
        Some(Asked::RaisePriorityTo(raw)) => {
            c.require(*raw != 0, "raise_priority_to", "REQUIRED", "is required");
            let priority = priority(c, "raise_priority_to", *raw);
            Action::RaisePriority(priority.unwrap_or(Priority::Normal))
        }
        Some(Asked::MoveToQueueId(id)) => Action::Move(c.id("move_to_queue_id", id)),
        Some(Asked::AssignToAgentId(id)) => Action::Assign(c.id("assign_to_agent_id", id)),
        None => {
            c.fail("action", "REQUIRED", "is required");
            Action::Notify
        }
    }
}

/// None for unspecified.
pub(super) const fn waiting(on: pb::TicketWaitingOn) -> Option<WaitingOn> {
    Some(match on {
        pb::TicketWaitingOn::Unspecified => return None,
        pb::TicketWaitingOn::Customer => WaitingOn::Customer,
        pb::TicketWaitingOn::ThirdParty => WaitingOn::ThirdParty,
    })
}

const fn weekday(day: pb::DayOfWeek) -> Option<Weekday> {
    Some(match day {
        pb::DayOfWeek::Unspecified => return None,
        pb::DayOfWeek::Monday => Weekday::Monday,
        pb::DayOfWeek::Tuesday => Weekday::Tuesday,
        pb::DayOfWeek::Wednesday => Weekday::Wednesday,
        pb::DayOfWeek::Thursday => Weekday::Thursday,
        pb::DayOfWeek::Friday => Weekday::Friday,
        pb::DayOfWeek::Saturday => Weekday::Saturday,
        pb::DayOfWeek::Sunday => Weekday::Sunday,
    })
}
