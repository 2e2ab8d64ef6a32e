//! Clocks of one ticket, on paper.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use rapport_foundation::time::Micros;

use super::*;
use crate::domain::sla::timetable::{Opening, Timetable, Weekday, Weekly};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Minutes after Monday, 2026-01-19 00:00 UTC.
fn at(minute: i64) -> Micros {
    let monday = 1_768_780_800;
    Micros::from_secs(monday + minute * 60)
}

fn week(from: u16, to: u16) -> Hours {
    let day = |day: &Weekday| Weekly {
        day: *day,
        opening: Opening { from, to },
    };
    let timetable = Timetable {
        zone: "UTC".into(),
        weekly: Weekday::ALL.iter().map(day).collect(),
        exceptions: Vec::new(),
    };
    Hours::new(&timetable).unwrap()
}

fn always() -> Hours {
    week(0, Opening::DAY)
}

/// First response in 60, next in 30, solution in 240; all but the first stand while the customer is waited for.
fn targets() -> Vec<Target> {
    let target = |clock, within, pauses: &[WaitingOn]| Target {
        clock,
        within: minutes(within),
        pauses: pauses.iter().copied().collect(),
    };
    vec![
        target(ClockKind::FirstResponse, 60, &[]),
        target(ClockKind::NextResponse, 30, &[WaitingOn::Customer]),
        target(ClockKind::Resolution, 240, &[WaitingOn::Customer]),
    ]
}

fn told(events: &[(i64, Happening)], hours: &Hours) -> Vec<Clock> {
    let mut history = History::default();
    for (minute, what) in events {
        history.note(at(*minute), *what);
    }
    clocks(&history, &targets(), hours)
}

fn of(clocks: &[Clock], kind: ClockKind) -> &Clock {
    clocks.iter().find(|clock| clock.id.kind == kind).unwrap()
}

use ClockKind::{FirstResponse, NextResponse, Resolution};
use Happening::{
    AgentReply, Cancelled, CustomerMessage, Opened, Reopened, Resolved, Resumed, WaitingOnCustomer,
    WaitingOnThirdParty,
};

#[test]
fn each_message_after_the_first_answer_has_a_clock_of_its_own() {
    let events = [
        (0, Opened),
        (10, CustomerMessage),
        (50, AgentReply),
        (100, CustomerMessage),
        (110, CustomerMessage),
        (120, AgentReply),
        (200, CustomerMessage),
    ];
    let clocks = told(&events, &always());
    let first = of(&clocks, FirstResponse);
    assert_eq!(first.ended, Some((at(50), Outcome::Met)));
    assert!(!first.is_breached(at(1_000)));
    let next: Vec<_> = clocks
        .iter()
        .filter(|c| c.id.kind == NextResponse)
        .collect();
    let seen: Vec<_> = next
        .iter()
        .map(|c| (c.id.cycle, c.started, c.due))
        .collect();
    assert_eq!(
        seen,
        [(1, at(100), Some(at(130))), (2, at(200), Some(at(230)))]
    );
    assert_eq!(next[0].ended, Some((at(120), Outcome::Met)));
    assert!(!next[1].is_breached(at(229)) && next[1].is_breached(at(230)));
}

#[test]
fn a_clock_stands_while_its_policy_says_so_and_goes_on_where_it_stood() {
    let events = [
        (0, Opened),
        (100, WaitingOnCustomer),
        (400, Resumed),
        (450, WaitingOnThirdParty),
        (500, Resumed),
    ];
    let clocks = told(&events, &always());
    let solution = of(&clocks, Resolution);
    // 300 minutes for the customer do not count; those for the third party do.
    assert_eq!(solution.due, Some(at(240 + 300)));
    assert_eq!(of(&clocks, FirstResponse).due, Some(at(60)));
    let counted = solution.counted(&always(), at(520));
    let counted: Vec<_> = counted.iter().map(|s| (s.from, s.to)).collect();
    assert_eq!(counted, [(at(0), at(100)), (at(400), at(520))]);
    let paused: Vec<_> = solution
        .stretches
        .iter()
        .filter(|s| s.paused.is_some())
        .collect();
    assert_eq!(paused.len(), 1);
    assert_eq!((paused[0].from, paused[0].to), (at(100), Some(at(400))));
}

#[test]
fn a_clock_that_stands_is_due_at_no_time_unless_it_was_late_before() {
    let clocks = told(&[(0, Opened), (100, WaitingOnCustomer)], &always());
    assert_eq!(of(&clocks, Resolution).due, None);
    assert_eq!(
        of(&clocks, Resolution).paused(),
        Some(Pause::WaitingOnCustomer)
    );
    let clocks = told(&[(0, Opened), (300, WaitingOnCustomer)], &always());
    assert_eq!(of(&clocks, Resolution).due, Some(at(240)));
}

#[test]
fn reopening_resumes_the_solutions_clock_and_no_answers() {
    let events = [(0, Opened), (60, Resolved), (1_000, Reopened)];
    let clocks = told(&events, &always());
    let first = of(&clocks, FirstResponse);
    assert_eq!(first.ended, Some((at(60), Outcome::Moot)));
    assert!(first.is_breached(at(2_000)), "60 minutes were over at 60");
    let solution = of(&clocks, Resolution);
    assert_eq!((solution.due, solution.ended), (Some(at(1_180)), None));
    let seen: Vec<_> = solution
        .stretches
        .iter()
        .map(|s| (s.from, s.to, s.paused))
        .collect();
    let expected = [
        (at(0), Some(at(60)), None),
        (at(60), Some(at(1_000)), Some(Pause::Resolved)),
        (at(1_000), None, None),
    ];
    assert_eq!(seen, expected);
    let again = told(
        &[events.as_slice(), &[(1_100, Resolved)]].concat(),
        &always(),
    );
    assert_eq!(
        of(&again, Resolution).ended,
        Some((at(1_100), Outcome::Met))
    );
    assert!(!of(&again, Resolution).is_breached(at(5_000)));
}

#[test]
fn a_ticket_that_waited_when_it_was_solved_waits_no_more_when_it_is_reopened() {
    let events = [
        (0, Opened),
        (10, WaitingOnCustomer),
        (20, Resolved),
        (100, Reopened),
    ];
    let clocks = told(&events, &always());
    assert_eq!(of(&clocks, Resolution).due, Some(at(100 + 230)));
    assert_eq!(of(&clocks, Resolution).paused(), None);
}

#[test]
fn nobody_is_late_with_what_was_cancelled() {
    let clocks = told(&[(0, Opened), (30, Cancelled)], &always());
    for clock in &clocks {
        assert_eq!(clock.ended, Some((at(30), Outcome::Moot)), "{:?}", clock.id);
        assert!(!clock.is_breached(at(10_000)));
    }
}

#[test]
fn of_merged_tickets_the_earliest_opening_counts() {
    let clocks = told(
        &[(50, Opened), (20, Opened), (60, CustomerMessage)],
        &always(),
    );
    assert_eq!(of(&clocks, FirstResponse).started, at(20));
    assert_eq!(of(&clocks, Resolution).due, Some(at(260)));
}

#[test]
fn an_answer_that_comes_late_to_us_counts_from_when_it_was_given() {
    let mut history = History::default();
    history.note(at(0), Opened);
    assert!(of(&clocks(&history, &targets(), &always()), FirstResponse).is_breached(at(70)));
    history.note(at(59), AgentReply);
    let clocks = clocks(&history, &targets(), &always());
    assert!(!of(&clocks, FirstResponse).is_breached(at(70)));
}

#[test]
fn what_is_reached_when_we_close_is_late_after_we_closed() {
    // Open until 17:00; opened at 16:00.
    let day = week(9 * 60, 17 * 60);
    let clocks = told(&[(16 * 60, Opened), (17 * 60 + 5, AgentReply)], &day);
    let first = of(&clocks, FirstResponse);
    assert_eq!(first.due, Some(at(17 * 60)));
    assert!(first.is_breached(at(17 * 60 + 5)));
}
