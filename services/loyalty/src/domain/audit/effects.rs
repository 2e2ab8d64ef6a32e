//! Lots and holds, computed again from the entries.

use std::collections::{BTreeMap, HashMap};

use rapport_foundation::id::{HoldId, LotId};

use super::Book;
use crate::domain::{Entry, EntryKind, Hold, Lot};

pub(super) fn check(book: &Book<'_>, faults: &mut Vec<String>) {
    lots(book, faults);
    holds(book, faults);
    let sum =
        |units: &dyn Fn(&Lot) -> i64| book.lots.iter().map(|lot| i128::from(units(lot))).sum();
    let (available, held): (i128, i128) = (sum(&|lot| lot.available), sum(&|lot| lot.held));
    let open: i128 = book.holds.iter().map(|hold| i128::from(hold.open())).sum();
    let account = book.account;
    if available != i128::from(account.available) {
        faults.push(format!(
            "{}: lots do not make up what is available",
            account.member
        ));
    }
    if held != i128::from(account.held) || open != held {
        faults.push(format!(
            "{}: lots, holds and what is held disagree",
            account.member
        ));
    }
}

fn lots(book: &Book<'_>, faults: &mut Vec<String>) {
    let mut replayed: HashMap<LotId, Lot> = HashMap::new();
    for entry in book.entries {
        for allocation in &entry.allocations {
            if allocation.from.is_none() {
                replayed.insert(allocation.lot, empty(entry, allocation.lot));
            }
            let Some(lot) = replayed.get_mut(&allocation.lot) else {
                faults.push(format!(
                    "{}: touches {}, which is not there",
                    entry.id, allocation.lot
                ));
                continue;
            };
            lot.expires_at = allocation.expires_at;
            lot.apply(allocation);
            if !lot.is_whole() {
                faults.push(format!(
                    "{}: takes more of {} than there is",
                    entry.id, lot.id
                ));
            }
        }
    }
    for lot in book.lots {
        match replayed.remove(&lot.id) {
            // From when a lot is active is in no entry.
            Some(computed)
                if (Lot {
                    active_at: lot.active_at,
                    ..computed
                }) == *lot => {}
            Some(_) => faults.push(format!("{}: is not what the entries make of it", lot.id)),
            None => faults.push(format!("{}: no entry made it", lot.id)),
        }
    }
    for lot in replayed.keys() {
        faults.push(format!("{lot}: is missing"));
    }
}

fn empty(entry: &Entry, id: LotId) -> Lot {
    Lot {
        id,
        member: entry.member,
        earned_by: entry.id,
        earned_sequence: entry.sequence,
        amount: entry.points,
        available: 0,
        held: 0,
        redeemed: 0,
        expired: 0,
        taken: 0,
        active_at: entry.at,
        expires_at: None,
        created_at: entry.at,
    }
}

/// What the entries say of a hold: set aside, captured, given back, and lapsed after that.
#[derive(Default, PartialEq)]
struct Seen {
    held: i128,
    captured: i128,
    voided: i128,
    expired: i128,
}

fn holds(book: &Book<'_>, faults: &mut Vec<String>) {
    let mut seen: BTreeMap<HoldId, Seen> = BTreeMap::new();
    for entry in book.entries {
        let Some(hold) = entry.hold else { continue };
        let units = i128::from(entry.points);
        let seen = seen.entry(hold).or_default();
        match entry.kind {
            EntryKind::Hold => seen.held += units,
            EntryKind::Capture => seen.captured += units,
            EntryKind::Void => seen.voided += units,
            EntryKind::Expire => seen.expired += units,
            EntryKind::Earn | EntryKind::Reverse | EntryKind::DebtPayment => {}
        }
    }
    for hold in book.holds {
        if !hold.is_whole() {
            faults.push(format!(
                "{}: captured, voided, expired and open do not make it up",
                hold.id
            ));
        }
        if seen.remove(&hold.id) != Some(said(hold)) {
            faults.push(format!("{}: is not what the entries make of it", hold.id));
        }
    }
    for hold in seen.keys() {
        faults.push(format!("{hold}: is missing"));
    }
}

fn said(hold: &Hold) -> Seen {
    Seen {
        held: i128::from(hold.amount),
        captured: i128::from(hold.captured),
        voided: i128::from(hold.voided) + i128::from(hold.expired),
        expired: i128::from(hold.expired),
    }
}
