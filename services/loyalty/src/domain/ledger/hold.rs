use std::time::Duration;

use rapport_foundation::id::{EntryId, HoldId, LotId};
use rapport_foundation::time::Micros;

use super::{Allocation, Bucket, EntryKind, HoldState, Ledger, Line, Postings, moved, total};
use crate::domain::{Cause, Hold, HoldAllocation, MOST_OPEN_HOLDS, OrderId, Points, Refusal};

impl Ledger {
    /// Sets points aside: of what can be spent now, what lapses first goes first.
    ///
    /// # Errors
    /// [`Refusal::BalanceTooLow`], [`Refusal::TooManyHolds`].
    pub fn hold(
        &mut self,
        now: Micros,
        points: Points,
        timeout: Duration,
        order_id: Option<OrderId>,
    ) -> Result<(HoldId, EntryId), Refusal> {
        let now = self.not_before_the_last(now);
        self.catch_up(now);
        let units = points.units();
        let available = self.account.available - self.pending(now);
        if available < units {
            return Err(Refusal::BalanceTooLow {
                available,
                wanted: units,
            });
        }
        if self.open_holds().count() >= MOST_OPEN_HOLDS {
            return Err(Refusal::TooManyHolds);
        }
        let allocations = self.take(units, Bucket::Held, |lot| lot.is_active(now));
        let id = HoldId::new(now);
        let hold = Hold {
            id,
            member: self.account.member,
            amount: units,
            captured: 0,
            voided: 0,
            expired: 0,
            state: HoldState::Open,
            allocations: allocations
                .iter()
                .map(|part| HoldAllocation {
                    lot: part.lot,
                    units: part.units,
                })
                .collect(),
            order_id: order_id.clone(),
            expires_at: now + timeout,
            created_at: now,
            version: 1,
        };
        self.holds.insert(id, hold);
        self.touched_holds.insert(id);
        let postings = Postings {
            available: -units,
            held: units,
            ..Postings::default()
        };
        let mut line = Line::new(now, EntryKind::Hold, units, postings);
        line.allocations = allocations;
        line.hold = Some(id);
        line.cause.order_id = order_id;
        Ok((id, self.post(line)))
    }

    /// Spends points that were set aside, all of them unless `points` says less; the rest goes back
    /// to its lots. `seen` is the version the caller decided on.
    ///
    /// # Errors
    /// [`Refusal::HoldNotOpen`], [`Refusal::Stale`], [`Refusal::CaptureTooLarge`].
    pub fn capture(
        &mut self,
        now: Micros,
        id: HoldId,
        points: Option<Points>,
        seen: Option<i64>,
    ) -> Result<EntryId, Refusal> {
        let now = self.not_before_the_last(now);
        self.catch_up(now);
        let hold = self.open_hold(id, seen)?;
        let units = points.map_or(hold.amount, Points::units);
        if units > hold.amount {
            return Err(Refusal::CaptureTooLarge {
                held: hold.amount,
                wanted: units,
            });
        }
        let (spent, rest) = split(&hold, units);
        let allocations: Vec<Allocation> = spent
            .iter()
            .filter_map(|(lot, units)| self.lot(*lot).map(|lot| (lot, *units)))
            .map(|(lot, units)| moved(lot, units, Some(Bucket::Held), Bucket::Redeemed))
            .collect();
        debug_assert_eq!(
            total(&allocations),
            units,
            "every lot of an open hold is loaded"
        );
        let postings = Postings {
            held: -units,
            redeemed: units,
            ..Postings::default()
        };
        let mut line = Line::new(now, EntryKind::Capture, units, postings);
        line.allocations = allocations;
        line.hold = Some(id);
        line.cause = Cause {
            order_id: hold.order_id,
            ..Cause::default()
        };
        let entry = self.post(line);
        if let Some(hold) = self.holds.get_mut(&id) {
            hold.captured = units;
            hold.state = HoldState::Captured;
            hold.version += 1;
        }
        self.give_back(now, id, rest, false);
        self.pay_debt(now);
        Ok(entry)
    }

    /// Gives points back that were set aside.
    ///
    /// # Errors
    /// [`Refusal::HoldNotOpen`], [`Refusal::Stale`].
    pub fn void(&mut self, now: Micros, id: HoldId, seen: Option<i64>) -> Result<EntryId, Refusal> {
        let now = self.not_before_the_last(now);
        self.catch_up(now);
        let hold = self.open_hold(id, seen)?;
        if let Some(hold) = self.holds.get_mut(&id) {
            hold.state = HoldState::Voided;
            hold.version += 1;
        }
        let before = self.posted.len();
        let rest = hold
            .allocations
            .iter()
            .map(|part| (part.lot, part.units))
            .collect();
        self.give_back(now, id, rest, false);
        self.pay_debt(now);
        Ok(self
            .posted
            .get(before)
            .map_or(EntryId::nil(), |posted| posted.entry.id))
    }

    fn open_hold(&self, id: HoldId, seen: Option<i64>) -> Result<Hold, Refusal> {
        match self.holds.get(&id) {
            Some(hold) if hold.state != HoldState::Open => {
                Err(Refusal::HoldNotOpen { state: hold.state })
            }
            Some(hold) if seen.is_some_and(|seen| seen != hold.version) => Err(Refusal::Stale {
                version: hold.version,
            }),
            Some(hold) => Ok(hold.clone()),
            // Whoever calls has loaded it; what is not there is not open.
            None => Err(Refusal::HoldNotOpen {
                state: HoldState::Voided,
            }),
        }
    }
}

/// The parts of a hold that make up `units`, and the rest. What lapses first is spent first.
type Parts = Vec<(LotId, i64)>;

fn split(hold: &Hold, units: i64) -> (Parts, Parts) {
    let mut left = units;
    let (mut spent, mut rest) = (Vec::new(), Vec::new());
    for part in &hold.allocations {
        let taken = left.min(part.units);
        left -= taken;
        if taken > 0 {
            spent.push((part.lot, taken));
        }
        if part.units > taken {
            rest.push((part.lot, part.units - taken));
        }
    }
    (spent, rest)
}
