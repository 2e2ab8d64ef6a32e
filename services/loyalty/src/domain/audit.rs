//! Checks a member's whole book from its entries alone: everything that is materialised is computed
//! again and compared. Used by `verify` over databases and after every step of the property tests.

mod effects;
mod shape;

use std::collections::HashMap;

use rapport_foundation::id::EntryId;

use super::{Account, EarnRule, Earning, Entry, EntryKind, Hold, Lot, chain};

/// Everything that is stored of one member.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// The account.
    pub account: &'a Account,
    /// Every entry, by sequence.
    pub entries: &'a [Entry],
    /// Every lot.
    pub lots: &'a [Lot],
    /// Every hold.
    pub holds: &'a [Hold],
    /// Every order that has earned.
    pub earnings: &'a [Earning],
    /// The programme's rule.
    pub rule: &'a EarnRule,
}

/// What is wrong with the book; empty when nothing is.
#[must_use]
pub fn check(book: &Book<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    chain_holds(book, &mut faults);
    balances_follow(book, &mut faults);
    for entry in book.entries {
        shape::check(entry, &mut faults);
    }
    effects::check(book, &mut faults);
    reversals_fit(book, &mut faults);
    orders_fit(book, &mut faults);
    faults
}

/// Sequence from 1 without a gap, each hash over the one before, the account at the end.
fn chain_holds(book: &Book<'_>, faults: &mut Vec<String>) {
    let account = book.account;
    let mut head = chain::genesis(account.tenant, account.program, account.member);
    let mut last = None;
    for (entry, expected) in book.entries.iter().zip(1_i64..) {
        if entry.sequence != expected {
            faults.push(format!(
                "{}: number {} where {expected} follows",
                entry.id, entry.sequence
            ));
        }
        if entry.member != account.member || entry.program != account.program {
            faults.push(format!("{}: is of another member or programme", entry.id));
        }
        if last.is_some_and(|last| entry.at < last) {
            faults.push(format!("{}: is earlier than the entry before it", entry.id));
        }
        if chain::link(&head, entry) != entry.hash {
            faults.push(format!(
                "{}: its hash does not follow from its content",
                entry.id
            ));
        }
        // Go on from what is stored: one fault is told once.
        head = entry.hash;
        last = Some(entry.at);
    }
    let count = book.entries.last().map_or(0, |entry| entry.sequence);
    if account.sequence != count || account.head != head {
        faults.push(format!(
            "{}: the account does not stand at the chain's end",
            account.member
        ));
    }
}

/// Each balance is the sum of the postings, never negative; the account has the last ones.
fn balances_follow(book: &Book<'_>, faults: &mut Vec<String>) {
    let (mut available, mut held, mut debt) = (0_i128, 0_i128, 0_i128);
    for entry in book.entries {
        available += i128::from(entry.postings.available);
        held += i128::from(entry.postings.held);
        debt -= i128::from(entry.postings.debt);
        let after = [entry.available_after, entry.held_after, entry.debt_after].map(i128::from);
        if after != [available, held, debt] {
            faults.push(format!(
                "{}: a balance after it is not the sum of the entries",
                entry.id
            ));
        }
        if available < 0 || held < 0 || debt < 0 {
            faults.push(format!("{}: a balance is negative after it", entry.id));
        }
    }
    let account = book.account;
    if [account.available, account.held, account.debt].map(i128::from) != [available, held, debt] {
        faults.push(format!(
            "{}: a balance is not the sum of the entries",
            account.member
        ));
    }
    if account.debt > 0 && account.available > 0 {
        faults.push(format!("{}: has points and owes points", account.member));
    }
}

/// Of an entry no more is taken back than it moved, and only of an earn or a capture.
fn reversals_fit(book: &Book<'_>, faults: &mut Vec<String>) {
    let entries: HashMap<EntryId, &Entry> =
        book.entries.iter().map(|entry| (entry.id, entry)).collect();
    let mut reversed: HashMap<EntryId, i128> = HashMap::new();
    for entry in book
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Reverse)
    {
        let original = entry.reverses.and_then(|id| entries.get(&id));
        match original {
            Some(original) if matches!(original.kind, EntryKind::Earn | EntryKind::Capture) => {
                let sum = reversed.entry(original.id).or_default();
                *sum += i128::from(entry.points);
                if *sum > i128::from(original.points) {
                    faults.push(format!("{}: more is taken back than it moved", original.id));
                }
            }
            _ => faults.push(format!(
                "{}: takes back what cannot be taken back",
                entry.id
            )),
        }
    }
}

/// Every order earned once, what the rule says.
fn orders_fit(book: &Book<'_>, faults: &mut Vec<String>) {
    let mut earned: HashMap<EntryId, &Earning> = HashMap::new();
    for earning in book.earnings {
        let order = earning.order_id.as_str();
        if book.rule.earns(&earning.total) != Ok(earning.points) {
            faults.push(format!("order {order}: did not earn what the rule says"));
        }
        match earning.entry {
            Some(entry) if earned.insert(entry, earning).is_some() => {
                faults.push(format!("{entry}: is the earning of two orders"));
            }
            Some(_) => {}
            None if earning.points == 0 => {}
            None => faults.push(format!("order {order}: has points and no entry")),
        }
    }
    for entry in book
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Earn)
    {
        let earning = earned.remove(&entry.id);
        let said = entry.cause.order_id.as_ref();
        if earning.map(|earning| (&earning.order_id, earning.points))
            != said.map(|order| (order, entry.points))
        {
            faults.push(format!(
                "{}: does not agree with the order it was earned by",
                entry.id
            ));
        }
    }
    for entry in earned.keys() {
        faults.push(format!(
            "{entry}: an order says it earned by it, and it is not there"
        ));
    }
}
