//! One member's ledger: the state, and the one function that changes it.
//!
//! Every operation first brings the state to the present ([`Ledger::catch_up`]: holds lapse and lots
//! expire at their own times, whether or not a sweep has run), then decides, then posts. A refusal
//! leaves only what time itself has done.

mod earn;
mod hold;
mod passing;
mod reverse;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::id::{EntryId, HoldId, LotId};
use rapport_foundation::time::Micros;

use super::{
    Account, Allocation, Balance, Bucket, Cause, Entry, EntryKind, Hold, HoldState, Lot, Postings,
    chain,
};

pub use reverse::Original;

/// The order of spending: what lapses first, then what is oldest.
type Place = (Micros, i64);

/// An entry that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The entry.
    pub entry: Entry,
    /// What the member can spend after it.
    pub spendable_after: i64,
    /// Whether it gives a hold back because its time ran out.
    pub lapsed: bool,
}

/// What is to be written, in one transaction.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The account as it is now; its version is one more than what was read.
    pub account: Account,
    /// When time will change something next.
    pub next_due_at: Option<Micros>,
    /// New entries, in order.
    pub posted: Vec<Posted>,
    /// New and changed lots.
    pub lots: Vec<Lot>,
    /// New and changed holds.
    pub holds: Vec<Hold>,
}

/// The state of one member's ledger: the account, the lots that still have something in them, and the
/// open holds (others may be there as well).
#[derive(Debug, Clone)]
pub struct Ledger {
    account: Account,
    lots: BTreeMap<Place, Lot>,
    places: HashMap<LotId, Place>,
    holds: BTreeMap<HoldId, Hold>,
    /// No lot becomes active after this.
    all_active_at: Micros,
    posted: Vec<Posted>,
    touched_lots: BTreeSet<Place>,
    touched_holds: BTreeSet<HoldId>,
}

/// What an operation wants to write.
struct Line {
    at: Micros,
    kind: EntryKind,
    points: i64,
    postings: Postings,
    allocations: Vec<Allocation>,
    hold: Option<HoldId>,
    reverses: Option<EntryId>,
    cause: Cause,
    lapsed: bool,
}

impl Line {
    fn new(at: Micros, kind: EntryKind, points: i64, postings: Postings) -> Self {
        Self {
            at,
            kind,
            points,
            postings,
            allocations: Vec::new(),
            hold: None,
            reverses: None,
            cause: Cause::default(),
            lapsed: false,
        }
    }
}

impl Ledger {
    /// The ledger as it was read: the account, at least every lot with a remainder and at least every
    /// open hold.
    #[must_use]
    pub fn restore(
        account: Account,
        lots: impl IntoIterator<Item = Lot>,
        holds: impl IntoIterator<Item = Hold>,
    ) -> Self {
        let mut ledger = Self {
            account,
            lots: BTreeMap::new(),
            places: HashMap::new(),
            holds: holds.into_iter().map(|hold| (hold.id, hold)).collect(),
            all_active_at: Micros(i64::MIN),
            posted: Vec::new(),
            touched_lots: BTreeSet::new(),
            touched_holds: BTreeSet::new(),
        };
        ledger.include_lots(lots);
        ledger
    }

    /// Adds lots that are needed besides those with a remainder. What is there already stays.
    fn include_lots(&mut self, lots: impl IntoIterator<Item = Lot>) {
        for lot in lots {
            if !self.places.contains_key(&lot.id) {
                self.insert_lot(lot);
            }
        }
    }

    /// Adds a hold that is needed although it is not open. What is there already stays.
    pub fn include_hold(&mut self, hold: Hold) {
        self.holds.entry(hold.id).or_insert(hold);
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A hold, when it is loaded.
    #[must_use]
    pub fn hold_of(&self, id: HoldId) -> Option<&Hold> {
        self.holds.get(&id)
    }

    /// Every loaded lot, in the order of spending.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    /// How many lots are loaded.
    #[must_use]
    pub fn lot_count(&self) -> usize {
        self.lots.len()
    }

    /// Every loaded hold.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// An entry made since the changes were last taken.
    #[must_use]
    pub fn posted(&self, id: EntryId) -> Option<&Posted> {
        self.posted
            .iter()
            .rev()
            .find(|posted| posted.entry.id == id)
    }

    /// How many entries were made since the changes were last taken.
    #[must_use]
    pub fn posted_count(&self) -> usize {
        self.posted.len()
    }

    /// What the member has, as of the moment the ledger was brought to last, or of `now` if later.
    /// Call [`Ledger::catch_up`] first.
    #[must_use]
    pub fn balance(&self, now: Micros) -> Balance {
        let as_of = now.max(self.account.changed_at);
        let pending = self.pending(as_of);
        let mut next = None;
        for lot in self.lots.values().filter(|lot| lot.available > 0) {
            match (lot.expires_at, &mut next) {
                (None, _) => break,
                (Some(end), None) => next = Some((lot.available, end)),
                (Some(end), Some((units, at))) if end == *at => *units += lot.available,
                (Some(_), Some(_)) => break,
            }
        }
        Balance {
            available: self.account.available - pending,
            held: self.account.held,
            pending,
            debt: self.account.debt,
            next_expiring: next,
            as_of,
        }
    }

    /// When time will change something next: a hold lapses or a lot with something in it expires.
    #[must_use]
    pub fn next_due_at(&self) -> Option<Micros> {
        let lapse = self.open_holds().map(|hold| hold.expires_at).min();
        let expiry = self
            .lots
            .values()
            .find(|lot| lot.available > 0)
            .and_then(|lot| lot.expires_at);
        lapse.into_iter().chain(expiry).min()
    }

    /// What has to be written since the last time, and forgets it; `None` when nothing was posted.
    /// Lots that are empty and holds that are closed are forgotten as well.
    pub fn take_changes(&mut self) -> Option<Changes> {
        if self.posted.is_empty() {
            return None;
        }
        self.account.version += 1;
        let lots = std::mem::take(&mut self.touched_lots);
        let holds = std::mem::take(&mut self.touched_holds);
        let changes = Changes {
            account: self.account.clone(),
            next_due_at: self.next_due_at(),
            posted: std::mem::take(&mut self.posted),
            lots: lots
                .iter()
                .filter_map(|place| self.lots.get(place))
                .cloned()
                .collect(),
            holds: holds
                .iter()
                .filter_map(|id| self.holds.get(id))
                .cloned()
                .collect(),
        };
        self.forget_empty(&lots);
        Some(changes)
    }

    /// Only what was touched can have become empty: a ledger may have very many lots.
    fn forget_empty(&mut self, touched: &BTreeSet<Place>) {
        for place in touched {
            if self.lots.get(place).is_some_and(|lot| lot.remainder() == 0)
                && let Some(lot) = self.lots.remove(place)
            {
                self.places.remove(&lot.id);
            }
        }
        self.holds.retain(|_, hold| hold.state == HoldState::Open);
    }

    /// No operation happens before the newest entry, even when the clock of this host is behind.
    fn not_before_the_last(&self, now: Micros) -> Micros {
        now.max(self.account.changed_at)
    }

    fn open_holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds
            .values()
            .filter(|hold| hold.state == HoldState::Open)
    }

    fn pending(&self, at: Micros) -> i64 {
        if self.all_active_at <= at {
            return 0;
        }
        self.lots
            .values()
            .filter(|lot| !lot.is_active(at))
            .map(|lot| lot.available)
            .sum()
    }

    fn lot(&self, id: LotId) -> Option<&Lot> {
        self.places.get(&id).and_then(|place| self.lots.get(place))
    }

    fn insert_lot(&mut self, lot: Lot) {
        self.all_active_at = self.all_active_at.max(lot.active_at);
        self.places.insert(lot.id, lot.place());
        self.lots.insert(lot.place(), lot);
    }

    /// Takes up to `wanted` out of what is available, in the order of spending, of the lots that fit.
    fn take(&self, wanted: i64, to: Bucket, fits: impl Fn(&Lot) -> bool) -> Vec<Allocation> {
        let mut left = wanted;
        let mut taken = Vec::new();
        for lot in self.lots.values() {
            if left == 0 {
                break;
            }
            if lot.available > 0 && fits(lot) {
                let units = left.min(lot.available);
                left -= units;
                taken.push(moved(lot, units, Some(Bucket::Available), to));
            }
        }
        taken
    }

    /// The one place where something changes: the entry is made, chained, and applied to the account
    /// and the lots by what it says itself.
    fn post(&mut self, line: Line) -> EntryId {
        let account = &mut self.account;
        account.available += line.postings.available;
        account.held += line.postings.held;
        account.debt -= line.postings.debt;
        account.sequence += 1;
        account.changed_at = line.at;
        let mut entry = Entry {
            id: EntryId::new(line.at),
            member: account.member,
            program: account.program,
            sequence: account.sequence,
            kind: line.kind,
            points: line.points,
            postings: line.postings,
            allocations: line.allocations,
            available_after: account.available,
            held_after: account.held,
            debt_after: account.debt,
            hold: line.hold,
            reverses: line.reverses,
            cause: line.cause,
            at: line.at,
            hash: account.head,
        };
        entry.hash = chain::link(&account.head, &entry);
        account.head = entry.hash;
        for allocation in &entry.allocations {
            if let Some(place) = self.places.get(&allocation.lot)
                && let Some(lot) = self.lots.get_mut(place)
            {
                lot.apply(allocation);
                self.touched_lots.insert(*place);
            }
        }
        let id = entry.id;
        let spendable_after = self.account.available - self.pending(line.at);
        self.posted.push(Posted {
            entry,
            spendable_after,
            lapsed: line.lapsed,
        });
        id
    }
}

/// Units of a lot that go from one bucket to another.
fn moved(lot: &Lot, units: i64, from: Option<Bucket>, to: Bucket) -> Allocation {
    Allocation {
        lot: lot.id,
        units,
        from,
        to,
        expires_at: lot.expires_at,
    }
}

fn total(allocations: &[Allocation]) -> i64 {
    allocations.iter().map(|allocation| allocation.units).sum()
}
