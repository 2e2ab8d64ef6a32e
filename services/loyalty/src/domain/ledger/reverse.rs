use std::collections::HashMap;

use rapport_foundation::id::{EntryId, LotId};
use rapport_foundation::time::Micros;

use super::{Allocation, Bucket, EntryKind, Ledger, Line, Postings, moved, total};
use crate::domain::{Cause, Entry, Lot, MOST_BALANCE, Points, Refusal};

/// An entry that may be taken back, with all that is needed for it.
#[derive(Debug, Clone)]
pub struct Original {
    entry: Entry,
    /// What was taken back of it so far.
    reversals: Vec<Entry>,
    lots: Vec<Lot>,
}

impl Original {
    /// The entry, its reversals so far and the lots it touched; `None` when a lot is missing.
    #[must_use]
    pub fn new(entry: Entry, reversals: Vec<Entry>, lots: Vec<Lot>) -> Option<Self> {
        let complete = entry
            .allocations
            .iter()
            .all(|allocation| lots.iter().any(|lot| lot.id == allocation.lot));
        complete.then_some(Self {
            entry,
            reversals,
            lots,
        })
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// What is left of it to take back.
    #[must_use]
    pub fn left(&self) -> i64 {
        self.entry.points - self.reversals.iter().map(|entry| entry.points).sum::<i64>()
    }

    /// What each lot got back so far.
    fn returned(&self) -> HashMap<LotId, i64> {
        let mut returned = HashMap::new();
        for allocation in self.reversals.iter().flat_map(|entry| &entry.allocations) {
            *returned.entry(allocation.lot).or_default() += allocation.units;
        }
        returned
    }
}

impl Ledger {
    /// Takes an earn or a capture back, all that is left of it unless `points` says less.
    ///
    /// A capture returns to the lots it came from, the last to lapse first. An earn leaves its own lot
    /// first (what is there, then what had lapsed unspent), then the other lots; what is more than the
    /// member has becomes a debt. Points set aside stay set aside.
    ///
    /// # Errors
    /// [`Refusal::NotReversible`], [`Refusal::AlreadyReversed`], [`Refusal::ReversalTooLarge`],
    /// [`Refusal::BalanceTooHigh`].
    pub fn reverse(
        &mut self,
        now: Micros,
        original: &mut Original,
        points: Option<Points>,
        reason: Option<String>,
    ) -> Result<EntryId, Refusal> {
        let now = self.not_before_the_last(now);
        self.catch_up(now);
        let kind = original.entry.kind;
        if kind != EntryKind::Earn && kind != EntryKind::Capture {
            return Err(Refusal::NotReversible { kind });
        }
        let left = original.left();
        if left == 0 {
            return Err(Refusal::AlreadyReversed);
        }
        let units = points.map_or(left, Points::units);
        if units > left {
            return Err(Refusal::ReversalTooLarge {
                left,
                wanted: units,
            });
        }
        self.include_lots(original.lots.iter().cloned());
        let (postings, allocations) = if kind == EntryKind::Earn {
            self.claw_back(original, units)?
        } else {
            self.refund(original, units)?
        };
        let mut line = Line::new(now, EntryKind::Reverse, units, postings);
        line.allocations = allocations;
        line.hold = original.entry.hold;
        line.reverses = Some(original.entry.id);
        line.cause = Cause {
            reason,
            ..original.entry.cause.clone()
        };
        let id = self.post(line);
        if let Some(posted) = self.posted(id) {
            let entry = posted.entry.clone();
            self.expire_returned(now, &entry.allocations, None);
            original.reversals.push(entry);
        }
        self.pay_debt(now);
        Ok(id)
    }

    /// What takes an earn back.
    fn claw_back(
        &self,
        original: &Original,
        units: i64,
    ) -> Result<(Postings, Vec<Allocation>), Refusal> {
        let own = original
            .entry
            .allocations
            .first()
            .and_then(|part| self.lot(part.lot));
        let mut allocations = Vec::new();
        let (mut left, mut lapsed) = (units, 0);
        if let Some(lot) = own {
            let there = left.min(lot.available);
            left -= there;
            lapsed = left.min(lot.expired);
            left -= lapsed;
            if there > 0 {
                allocations.push(moved(lot, there, Some(Bucket::Available), Bucket::Taken));
            }
            if lapsed > 0 {
                allocations.push(moved(lot, lapsed, Some(Bucket::Expired), Bucket::Taken));
            }
        }
        let own = own.map(|lot| lot.id);
        let others = self.take(left, Bucket::Taken, |lot| Some(lot.id) != own);
        let owed = left - total(&others);
        if self.account.debt + owed > MOST_BALANCE {
            return Err(Refusal::BalanceTooHigh);
        }
        allocations.extend(others);
        let postings = Postings {
            issuance: units,
            available: -(units - lapsed - owed),
            expired: -lapsed,
            debt: -owed,
            ..Postings::default()
        };
        Ok((postings, allocations))
    }

    /// What takes a capture back.
    fn refund(
        &self,
        original: &Original,
        units: i64,
    ) -> Result<(Postings, Vec<Allocation>), Refusal> {
        if self.account.available + self.account.held + units > MOST_BALANCE {
            return Err(Refusal::BalanceTooHigh);
        }
        let returned = original.returned();
        let mut allocations = Vec::new();
        let mut left = units;
        for part in original.entry.allocations.iter().rev() {
            let still = part.units - returned.get(&part.lot).copied().unwrap_or(0);
            let back = left.min(still);
            if back > 0
                && let Some(lot) = self.lot(part.lot)
            {
                left -= back;
                allocations.push(moved(lot, back, Some(Bucket::Redeemed), Bucket::Available));
            }
        }
        debug_assert_eq!(left, 0, "what was captured is in the lots it came from");
        let postings = Postings {
            redeemed: -units,
            available: units,
            ..Postings::default()
        };
        Ok((postings, allocations))
    }
}
