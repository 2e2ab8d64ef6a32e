//! What an entry of each kind looks like, and that its postings and allocations say the same.

use crate::domain::{Bucket, Entry, EntryKind, Postings};

pub(super) fn check(entry: &Entry, faults: &mut Vec<String>) {
    let id = entry.id;
    if entry.points <= 0 {
        faults.push(format!("{id}: moves nothing"));
    }
    if !entry.postings.balances() {
        faults.push(format!("{id}: debits are not credits"));
    }
    if entry.postings != expected(entry) {
        faults.push(format!(
            "{id}: posts what a {} does not post",
            entry.kind.as_str()
        ));
    }
    if entry
        .allocations
        .iter()
        .any(|allocation| allocation.units <= 0)
    {
        faults.push(format!("{id}: an allocation moves nothing"));
    }
    let posted = [
        (Bucket::Available, entry.postings.available),
        (Bucket::Held, entry.postings.held),
        (Bucket::Redeemed, entry.postings.redeemed),
        (Bucket::Expired, entry.postings.expired),
    ];
    for (bucket, units) in posted {
        if flow(entry, bucket) != i128::from(units) {
            faults.push(format!("{id}: lots and {} disagree", bucket.as_str()));
        }
    }
    let made = entry
        .allocations
        .iter()
        .filter(|allocation| allocation.from.is_none())
        .count();
    if made != usize::from(entry.kind == EntryKind::Earn) {
        faults.push(format!("{id}: only an earn makes a lot, and it makes one"));
    }
}

/// What the kind posts for so many points. A claw-back splits what it takes: that much is read from
/// the entry itself, and the sum is checked.
fn expected(entry: &Entry) -> Postings {
    let units = entry.points;
    let none = Postings::default();
    match entry.kind {
        EntryKind::Earn => Postings {
            available: units,
            issuance: -units,
            ..none
        },
        EntryKind::Hold => Postings {
            available: -units,
            held: units,
            ..none
        },
        EntryKind::Capture => Postings {
            held: -units,
            redeemed: units,
            ..none
        },
        EntryKind::Void => Postings {
            held: -units,
            available: units,
            ..none
        },
        EntryKind::Expire => Postings {
            available: -units,
            expired: units,
            ..none
        },
        EntryKind::DebtPayment => Postings {
            available: -units,
            debt: units,
            ..none
        },
        EntryKind::Reverse if entry.postings.redeemed != 0 => Postings {
            redeemed: -units,
            available: units,
            ..none
        },
        EntryKind::Reverse => Postings {
            issuance: units,
            available: entry.postings.available.min(0),
            expired: entry.postings.expired.min(0),
            debt: entry.postings.debt.min(0),
            ..none
        },
    }
}

/// What the allocations bring into a bucket, less what they take out of it.
fn flow(entry: &Entry, bucket: Bucket) -> i128 {
    entry
        .allocations
        .iter()
        .map(|allocation| {
            let units = i128::from(allocation.units);
            let brought = if allocation.to == bucket { units } else { 0 };
            let took = if allocation.from == Some(bucket) {
                units
            } else {
                0
            };
            brought - took
        })
        .sum()
}
