//! Single decisions, in small numbers.

use std::time::Duration;

use rapport_foundation::id::{EntryId, MemberId, ProgramId, TenantId};
use rapport_foundation::time::Micros;

use super::*;
use crate::domain::{MOST_BALANCE, MOST_OPEN_HOLDS, MOST_POINTS, Points, Refusal, Terms};

const LONG: Duration = Duration::from_secs(1_000_000);

fn at(seconds: i64) -> Micros {
    Micros::from_secs(seconds)
}

fn terms(delay_s: u64, validity_s: Option<u64>) -> Terms {
    Terms {
        activation_delay: Duration::from_secs(delay_s),
        validity: validity_s.map(Duration::from_secs),
    }
}

fn points(units: i64) -> Points {
    Points::new(units).unwrap()
}

fn empty() -> Ledger {
    let account = Account::open(TenantId::nil(), ProgramId::nil(), MemberId::nil(), at(0));
    Ledger::restore(account, [], [])
}

fn earn(ledger: &mut Ledger, now: i64, units: i64, terms: Terms) -> EntryId {
    ledger
        .earn(at(now), points(units), terms, Cause::default())
        .unwrap()
}

fn original(ledger: &Ledger, id: EntryId) -> Original {
    let entry = ledger.posted(id).unwrap().entry.clone();
    Original::new(entry, Vec::new(), ledger.lots().cloned().collect()).unwrap()
}

fn balance(ledger: &Ledger, now: i64) -> [i64; 4] {
    let balance = ledger.balance(at(now));
    [
        balance.available,
        balance.held,
        balance.pending,
        balance.debt,
    ]
}

fn kinds(ledger: &Ledger) -> Vec<EntryKind> {
    ledger
        .posted
        .iter()
        .map(|posted| posted.entry.kind)
        .collect()
}

#[test]
fn what_lapses_first_is_spent_first_whatever_came_first() {
    let mut ledger = empty();
    earn(&mut ledger, 1, 10, terms(0, None));
    earn(&mut ledger, 2, 10, terms(0, Some(100)));
    earn(&mut ledger, 3, 10, terms(0, Some(50)));
    let (hold, _) = ledger.hold(at(4), points(25), LONG, None).unwrap();
    let parts: Vec<i64> = ledger
        .hold_of(hold)
        .unwrap()
        .allocations
        .iter()
        .map(|p| p.units)
        .collect();
    let left: Vec<i64> = ledger.lots().map(|lot| lot.available).collect();
    assert_eq!((parts, left), (vec![10, 10, 5], vec![0, 0, 5]));
}

#[test]
fn pending_points_cannot_be_held_and_still_pay_a_debt() {
    let mut ledger = empty();
    let first = earn(&mut ledger, 1, 10, terms(0, None));
    let (hold, _) = ledger.hold(at(1), points(10), LONG, None).unwrap();
    ledger.capture(at(1), hold, None, None).unwrap();
    let mut first = original(&ledger, first);
    ledger.reverse(at(2), &mut first, None, None).unwrap();
    assert_eq!(balance(&ledger, 2), [0, 0, 0, 10]);
    earn(&mut ledger, 3, 15, terms(60, None));
    assert_eq!(balance(&ledger, 3), [0, 0, 5, 0]);
    let refused = ledger.hold(at(3), points(1), LONG, None);
    assert_eq!(
        refused,
        Err(Refusal::BalanceTooLow {
            available: 0,
            wanted: 1
        })
    );
    assert_eq!(balance(&ledger, 63), [5, 0, 0, 0]);
}

#[test]
fn of_holds_that_lapse_together_the_first_points_to_lapse_pay_a_debt() {
    let mut ledger = empty();
    let hold = |ledger: &mut Ledger, now, timeout| {
        let timeout = Duration::from_secs(timeout);
        ledger.hold(at(now), points(10), timeout, None).unwrap().0
    };
    earn(&mut ledger, 1, 10, terms(0, None));
    hold(&mut ledger, 2, 11);
    earn(&mut ledger, 3, 10, terms(0, Some(100)));
    hold(&mut ledger, 4, 9);
    let spent = earn(&mut ledger, 5, 10, terms(0, None));
    let last = hold(&mut ledger, 6, 60);
    ledger.capture(at(6), last, None, None).unwrap();
    let mut spent = original(&ledger, spent);
    ledger
        .reverse(at(7), &mut spent, Some(points(8)), None)
        .unwrap();
    assert_eq!(balance(&ledger, 7), [0, 20, 0, 8]);
    ledger.catch_up(at(13));
    let left: Vec<i64> = ledger.lots().map(|lot| lot.available).collect();
    // In the order of spending: what ends, then what never does.
    assert_eq!(left, [2, 10, 0]);
}

#[test]
fn an_earn_that_lapsed_unspent_is_taken_back_without_a_debt() {
    let mut ledger = empty();
    let earned = earn(&mut ledger, 1, 10, terms(0, Some(5)));
    let (hold, _) = ledger.hold(at(2), points(3), LONG, None).unwrap();
    ledger.capture(at(2), hold, None, None).unwrap();
    ledger.catch_up(at(6));
    assert_eq!(kinds(&ledger)[3], EntryKind::Expire);
    let mut earned = original(&ledger, earned);
    let entry = ledger.reverse(at(7), &mut earned, None, None).unwrap();
    let postings = ledger.posted(entry).unwrap().entry.postings;
    assert_eq!(
        (postings.issuance, postings.expired, postings.debt),
        (10, -7, -3)
    );
    assert_eq!(balance(&ledger, 7), [0, 0, 0, 3]);
}

#[test]
fn points_that_are_set_aside_stay_so_when_their_earn_is_taken_back() {
    let mut ledger = empty();
    let earned = earn(&mut ledger, 1, 10, terms(0, None));
    let (hold, _) = ledger.hold(at(2), points(6), LONG, None).unwrap();
    let mut earned = original(&ledger, earned);
    ledger.reverse(at(3), &mut earned, None, None).unwrap();
    assert_eq!(balance(&ledger, 3), [0, 6, 0, 6]);
    ledger.capture(at(4), hold, Some(points(5)), None).unwrap();
    assert_eq!(
        balance(&ledger, 4),
        [0, 0, 0, 5],
        "the rest of the hold has paid"
    );
}

#[test]
fn the_accounts_limits_are_refusals_and_never_overflow() {
    let mut ledger = empty();
    assert_eq!(Points::new(0), None);
    assert_eq!(Points::new(MOST_POINTS + 1), None);
    for _ in 0..MOST_BALANCE / MOST_POINTS {
        earn(&mut ledger, 1, MOST_POINTS, terms(0, None));
    }
    let refused = ledger.earn(at(1), Points::ONE, terms(0, None), Cause::default());
    assert_eq!(refused, Err(Refusal::BalanceTooHigh));
    for _ in 0..MOST_OPEN_HOLDS {
        ledger.hold(at(2), Points::ONE, LONG, None).unwrap();
    }
    assert_eq!(
        ledger.hold(at(2), Points::ONE, LONG, None),
        Err(Refusal::TooManyHolds)
    );
}

#[test]
fn a_clock_that_is_behind_writes_nothing_before_the_newest_entry() {
    let mut ledger = empty();
    earn(&mut ledger, 100, 10, terms(0, Some(50)));
    earn(&mut ledger, 40, 10, terms(0, Some(50)));
    let times: Vec<Micros> = ledger.posted.iter().map(|posted| posted.entry.at).collect();
    assert_eq!(times, [at(100), at(100)]);
    assert_eq!(ledger.balance(at(90)).as_of, at(100));
}

#[test]
fn the_next_thing_due_is_the_earliest_of_holds_and_lots() {
    let mut ledger = empty();
    assert_eq!(ledger.next_due_at(), None);
    earn(&mut ledger, 0, 10, terms(0, Some(100)));
    assert_eq!(ledger.next_due_at(), Some(at(100)));
    let (hold, _) = ledger
        .hold(at(1), points(10), Duration::from_secs(9), None)
        .unwrap();
    assert_eq!(
        ledger.next_due_at(),
        Some(at(10)),
        "nothing of the lot can lapse now"
    );
    ledger.void(at(2), hold, None).unwrap();
    assert_eq!(ledger.next_due_at(), Some(at(100)));
    ledger.catch_up(at(100));
    assert_eq!(ledger.next_due_at(), None);
}

#[test]
fn a_refusal_leaves_what_time_has_done_and_nothing_else() {
    let mut ledger = empty();
    earn(&mut ledger, 1, 10, terms(0, Some(5)));
    let refused = ledger.hold(at(6), points(1), LONG, None);
    assert_eq!(
        refused,
        Err(Refusal::BalanceTooLow {
            available: 0,
            wanted: 1
        })
    );
    assert_eq!(kinds(&ledger), [EntryKind::Earn, EntryKind::Expire]);
}
