//! What is due, what an edit changes, and what users of other systems miss.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use rapport_foundation::id::{CalendarId, QueueId, SlaPolicyId, TicketId};
use rapport_foundation::time::Micros;

use super::*;
use crate::domain::{Channel, Priority};

const MINUTE: i64 = 60_000_000;

fn at(minute: i64) -> Micros {
    Micros(1_768_780_800_000_000 + minute * MINUTE)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn traits() -> Traits {
    Traits {
        queue: QueueId::nil(),
        priority: Priority::Normal,
        channel: None,
        purpose: None,
    }
}

fn calendar(from: u16, to: u16) -> Calendar {
    let day = |day: &Weekday| Weekly {
        day: *day,
        opening: Opening { from, to },
    };
    let timetable = Timetable {
        zone: "UTC".into(),
        weekly: Weekday::ALL.iter().map(day).collect(),
        exceptions: Vec::new(),
    };
    Calendar {
        id: CalendarId::nil(),
        code: "always".parse().unwrap(),
        display_name: String::new(),
        hours: Hours::new(&timetable).unwrap(),
        timetable,
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    }
}

fn step(code: &str, offset_minutes: i64, action: Action) -> Step {
    Step {
        code: code.parse().unwrap(),
        clock: ClockKind::Resolution,
        offset_s: offset_minutes * 60,
        action,
    }
}

/// A solution within so many minutes; a warning 30 minutes ahead, the priority raised 30 minutes after.
fn policy(within: u64) -> Policy {
    let promise = Promise {
        rank: 0,
        disabled: false,
        calendar: CalendarId::nil(),
        conditions: Conditions::default(),
        targets: vec![Target {
            clock: ClockKind::Resolution,
            within: minutes(within),
            pauses: BTreeSet::from([WaitingOn::Customer]),
        }],
        steps: vec![
            step("warn", -30, Action::Notify),
            step("raise", 30, Action::RaisePriority(Priority::Urgent)),
        ],
    };
    Policy {
        id: SlaPolicyId::nil(),
        code: "usual".parse().unwrap(),
        display_name: String::new(),
        promise,
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    }
}

fn book(policies: impl IntoIterator<Item = Policy>) -> Book {
    let calendar = calendar(0, Opening::DAY);
    Book {
        calendars: [(calendar.id, calendar)].into(),
        policies: policies
            .into_iter()
            .map(|policy| (policy.id, policy))
            .collect(),
    }
}

fn record() -> SlaRecord {
    SlaRecord::new(TicketId::nil(), traits(), at(0))
}

fn fired(standing: &Standing) -> Vec<String> {
    let name = |firing: &Firing| match &firing.step {
        Some((code, _)) => code.to_string(),
        None => "breach".into(),
    };
    standing.firings.iter().map(name).collect()
}

#[test]
fn each_step_fires_once_and_in_order_however_often_one_looks() {
    let book = book([policy(60)]);
    let mut record = record();
    assert_eq!(record.stand(&book, at(0)).next_at, Some(at(30)));
    let expected: [(i64, &[&str], Option<i64>); 6] = [
        (29, &[], Some(30)),
        (30, &["warn"], Some(60)),
        (31, &[], Some(60)),
        (60, &["breach"], Some(90)),
        (95, &["raise"], None),
        (500, &[], None),
    ];
    for (minute, names, next) in expected {
        let standing = record.stand(&book, at(minute));
        assert_eq!(fired(&standing), names, "{minute}");
        assert_eq!(standing.next_at, next.map(at), "{minute}");
    }
    // Who looks only once sees the same.
    let mut late = self::record();
    assert_eq!(
        fired(&late.stand(&book, at(500))),
        ["warn", "breach", "raise"]
    );
}

#[test]
fn what_a_ticket_waits_for_moves_its_steps() {
    let book = book([policy(60)]);
    let mut record = record();
    record.history.note(at(10), Happening::WaitingOnCustomer);
    assert_eq!(record.stand(&book, at(500)), {
        let clocks = record.stand(&book, at(500)).clocks;
        Standing {
            clocks,
            ..Standing::default()
        }
    });
    record.history.note(at(500), Happening::Resumed);
    assert_eq!(record.stand(&book, at(500)).next_at, Some(at(520)));
}

#[test]
fn a_breach_heard_of_after_its_clock_ended_is_told_and_its_steps_come_too_late() {
    let book = book([policy(60)]);
    for (solved, expected) in [(100, vec!["breach"]), (50, vec![])] {
        let mut record = record();
        record.history.note(at(solved), Happening::Resolved);
        assert_eq!(fired(&record.stand(&book, at(200))), expected, "{solved}");
    }
}

#[test]
fn an_edit_that_finds_a_past_breach_notes_it_and_does_not_fire() {
    let mut record = record();
    assert!(
        record
            .stand(&book([policy(600)]), at(200))
            .firings
            .is_empty()
    );
    let stricter = Policy {
        version: 2,
        ..policy(60)
    };
    let standing = record.stand(&book([stricter.clone()]), at(200));
    assert_eq!(fired(&standing), [""; 0]);
    assert!(standing.clocks[0].is_breached(at(200)));
    let noted: Vec<_> = record.marks.iter().map(|m| (m.found, m.due)).collect();
    assert_eq!(noted, [(true, at(60)), (true, at(30)), (true, at(90))]);
    // And what it puts into the future again fires again.
    let kinder = Policy {
        version: 3,
        ..policy(300)
    };
    assert_eq!(
        record.stand(&book([kinder.clone()]), at(210)).next_at,
        Some(at(270))
    );
    assert_eq!(
        fired(&record.stand(&book([kinder]), at(300))),
        ["warn", "breach"]
    );
}

#[test]
fn a_solved_ticket_that_is_reopened_under_another_version_is_not_fired_at() {
    let mut record = record();
    record.stand(&book([policy(600)]), at(0));
    record.history.note(at(200), Happening::Resolved);
    record.stand(&book([policy(600)]), at(200));
    let stricter = Policy {
        version: 2,
        ..policy(60)
    };
    record.history.note(at(300), Happening::Reopened);
    let standing = record.stand(&book([stricter]), at(300));
    assert_eq!(fired(&standing), [""; 0]);
    assert!(record.marks.iter().all(|mark| mark.found));
}

#[test]
fn the_first_policy_that_fits_holds_and_an_escalation_chooses_no_other() {
    let id = |n| SlaPolicyId::from_uuid(uuid::Uuid::from_u128(n));
    let mut urgent = policy(10);
    urgent.id = id(2);
    urgent.promise.conditions.priorities = [Priority::Urgent].into();
    let mut by_mail = policy(20);
    by_mail.id = id(3);
    by_mail.promise.rank = 1;
    by_mail.promise.conditions.channels = [Channel::Email].into();
    let mut usual = policy(60);
    usual.id = id(1);
    usual.promise.rank = 9;
    let book = book([usual, by_mail, urgent]);
    let mut ticket = traits();
    let chosen = |ticket: &Traits| book.terms(ticket).unwrap().policy.id;
    assert_eq!(chosen(&ticket), id(1));
    ticket.channel = Some(Channel::Email);
    assert_eq!(chosen(&ticket), id(3));
    ticket.priority = Priority::Urgent;
    assert_eq!(chosen(&ticket), id(2));
}

#[test]
fn a_change_by_hand_does_not_take_over_what_an_escalation_changed() {
    let (mut opened, escalated) = (traits(), QueueId::from_uuid(uuid::Uuid::from_u128(7)));
    let before = Traits {
        queue: escalated,
        ..traits()
    };
    let after = Traits {
        priority: Priority::High,
        ..before
    };
    opened.change(&before, &after);
    let expected = Traits {
        priority: Priority::High,
        ..traits()
    };
    assert_eq!(opened, expected);
}

#[test]
fn of_policies_of_one_rank_the_older_holds_and_a_disabled_one_never() {
    let id = |n| SlaPolicyId::from_uuid(uuid::Uuid::from_u128(n));
    let mut older = policy(10);
    older.id = id(1);
    let mut newer = policy(20);
    newer.id = id(2);
    let both = book([newer.clone(), older.clone()]);
    assert_eq!(both.terms(&traits()).unwrap().policy.id, id(1));
    older.promise.disabled = true;
    let one = book([newer, older]);
    assert_eq!(one.terms(&traits()).unwrap().policy.id, id(2));
}

#[test]
fn an_edit_says_what_it_does_to_open_tickets() {
    let (before, after) = (book([policy(60)]), book([policy(120)]));
    let told = |record: &SlaRecord, before: &Book, after: &Book| {
        let mut redating = Redating::default();
        redating.add(record, before, after, at(70));
        redating
    };
    let one = Redating {
        tickets: 1,
        tickets_changed: 1,
        ..Redating::default()
    };
    let later = Redating {
        clocks_later: 1,
        ..one
    };
    assert_eq!(told(&record(), &before, &after), later);
    let sooner = Redating {
        clocks_sooner: 1,
        breaches_found: 1,
        ..one
    };
    assert_eq!(told(&record(), &after, &before), sooner);
    let started = Redating {
        clocks_started: 1,
        ..one
    };
    assert_eq!(told(&record(), &Book::default(), &after), started);
    let stopped = Redating {
        clocks_stopped: 1,
        ..one
    };
    assert_eq!(told(&record(), &before, &Book::default()), stopped);
    let same = Redating {
        tickets: 1,
        ..Redating::default()
    };
    assert_eq!(told(&record(), &before, &before), same);
    // A clock that stands has no time to be due at, and is still promised more.
    let mut waiting = record();
    waiting.history.note(at(10), Happening::WaitingOnCustomer);
    assert_eq!(told(&waiting, &before, &after), later);
}

#[test]
fn what_is_stored_is_read_back_as_it_was() {
    let mut record = record();
    record.stand(&book([policy(60)]), at(100));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<SlaRecord>(&text).unwrap(), record);
    let promise = policy(60).promise;
    let text = serde_json::to_string(&promise).unwrap();
    assert_eq!(serde_json::from_str::<Promise>(&text).unwrap(), promise);
}

fn happenings() -> impl Strategy<Value = Vec<(i64, Happening)>> {
    prop::collection::vec((0..600_i64, prop::sample::select(Happening::ALL)), 0..12)
}

proptest! {
    #[test]
    fn looking_often_fires_what_looking_once_fires_and_each_once(
        changes in happenings(), looks in prop::collection::btree_set(0..900_i64, 0..20), open in 60..1_440_u16,
    ) {
        let mut book = book([policy(60)]);
        let calendar = calendar(0, open);
        book.calendars.insert(calendar.id, calendar);
        let mut often = record();
        let mut changes = changes;
        changes.sort_by_key(|(minute, _)| *minute);
        let mut all = Vec::new();
        let mut pending = changes.iter().peekable();
        for minute in 0..=900 {
            if looks.contains(&minute) || pending.peek().is_some_and(|(then, _)| *then == minute) {
                all.extend(often.stand(&book, at(minute)).firings);
            }
            while let Some((_, what)) = pending.next_if(|(then, _)| *then == minute) {
                often.history.note(at(minute), *what);
                all.extend(often.stand(&book, at(minute)).firings);
            }
        }
        all.extend(often.stand(&book, at(900)).firings);
        let named: BTreeSet<_> = all.iter().map(|f| (f.clock, f.step.as_ref().map(|(code, _)| code.clone()))).collect();
        prop_assert_eq!(named.len(), all.len(), "nothing fires twice: {:?}", all);
        let clocks = often.stand(&book, at(900)).clocks;
        for clock in &clocks {
            let told = all.iter().any(|f| f.clock == clock.id && f.step.is_none());
            prop_assert_eq!(told, clock.is_breached(at(900)), "{:?}", clock);
        }
    }

    /// Whatever happened, a clock's stretches have no gaps, and what it counted by its due time is its target.
    #[test]
    fn a_clock_has_counted_its_target_when_it_is_due(changes in happenings()) {
        let book = book([policy(60)]);
        let mut record = record();
        for (minute, what) in changes {
            record.history.note(at(minute), what);
        }
        let hours = &book.calendars.values().next().unwrap().hours;
        for clock in record.stand(&book, at(900)).clocks {
            prop_assert_eq!(clock.stretches[0].from, clock.started);
            for pair in clock.stretches.windows(2) {
                prop_assert_eq!(pair[0].to, Some(pair[1].from));
            }
            let in_time = clock.ended.filter(|(at, _)| clock.due.is_some_and(|due| due > *at));
            if let Some(due) = clock.due.filter(|_| in_time.is_none()) {
                let counted = clock.counted(hours, due).iter().map(|span| span.length()).sum::<Duration>();
                prop_assert_eq!(counted, clock.target);
            }
        }
    }
}
