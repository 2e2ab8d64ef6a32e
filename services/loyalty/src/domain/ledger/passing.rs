//! What time does by itself, and what follows from points coming back.

use rapport_foundation::id::{HoldId, LotId};
use rapport_foundation::time::Micros;

use super::{Allocation, Bucket, EntryKind, HoldState, Ledger, Line, Postings, moved, total};

impl Ledger {
    /// Brings the ledger to the present: what was due since then happens in the order of its own
    /// times, so the outcome does not depend on when or how often this is called. At the same moment
    /// lots expire before holds lapse: what then returns to a lot that is over is all it has. Holds that
    /// lapse at the same moment have all given back before a debt is paid: which points pay it does not
    /// depend on which of them is asked first.
    pub fn catch_up(&mut self, now: Micros) {
        loop {
            let lapse = self.open_holds().map(|hold| hold.expires_at).min();
            let lapse = lapse.filter(|at| *at <= now);
            let expiry = self
                .lots
                .range(..=(now, i64::MAX))
                .find(|(_, lot)| lot.available > 0 && lot.is_over(now))
                .map(|(place, lot)| (place.0, lot.id));
            match (lapse, expiry) {
                (None, None) => return,
                (Some(at), Some((end, _))) if at < end => self.lapse_until(at),
                (_, Some((end, lot))) => self.expire(end, lot, None),
                (Some(at), None) => self.lapse_until(at),
            }
        }
    }

    /// Every hold that ends by then gives back, then what came back pays.
    fn lapse_until(&mut self, at: Micros) {
        let due: Vec<HoldId> = self
            .open_holds()
            .filter(|hold| hold.expires_at <= at)
            .map(|hold| hold.id)
            .collect();
        let at = self.not_before_the_last(at);
        for hold in due {
            self.lapse(at, hold);
        }
        self.pay_debt(at);
    }

    fn lapse(&mut self, at: Micros, id: HoldId) {
        let Some(hold) = self.holds.get_mut(&id) else {
            return;
        };
        hold.state = HoldState::Lapsed;
        hold.version += 1;
        let rest = hold
            .allocations
            .iter()
            .map(|part| (part.lot, part.units))
            .collect();
        self.give_back(at, id, rest, true);
    }

    /// What is available of a lot that is over goes to expired.
    fn expire(&mut self, at: Micros, id: LotId, hold: Option<HoldId>) {
        let at = self.not_before_the_last(at);
        let Some(lot) = self.lot(id) else { return };
        let units = lot.available;
        let allocation = moved(lot, units, Some(Bucket::Available), Bucket::Expired);
        let postings = Postings {
            available: -units,
            expired: units,
            ..Postings::default()
        };
        let mut line = Line::new(at, EntryKind::Expire, units, postings);
        line.allocations = vec![allocation];
        line.hold = hold;
        self.post(line);
    }

    /// Points of a hold that is no longer open return to their lots, where what is over expires at once.
    /// The rest is there to pay a debt with.
    pub(super) fn give_back(
        &mut self,
        at: Micros,
        id: HoldId,
        rest: Vec<(LotId, i64)>,
        lapsed: bool,
    ) {
        let allocations: Vec<Allocation> = rest
            .iter()
            .filter_map(|(lot, units)| self.lot(*lot).map(|lot| (lot, *units)))
            .map(|(lot, units)| moved(lot, units, Some(Bucket::Held), Bucket::Available))
            .collect();
        let units = total(&allocations);
        if units > 0 {
            let postings = Postings {
                available: units,
                held: -units,
                ..Postings::default()
            };
            let mut line = Line::new(at, EntryKind::Void, units, postings);
            line.allocations.clone_from(&allocations);
            line.hold = Some(id);
            line.lapsed = lapsed;
            self.post(line);
        }
        let expired = self.expire_returned(at, &allocations, Some(id));
        if let Some(hold) = self.holds.get_mut(&id) {
            hold.expired = expired;
            hold.voided = units - expired;
        }
        self.touched_holds.insert(id);
    }

    /// Of what just came back, expires what is in lots that are over. Tells how much.
    pub(super) fn expire_returned(
        &mut self,
        at: Micros,
        returned: &[Allocation],
        hold: Option<HoldId>,
    ) -> i64 {
        let mut expired = 0;
        for allocation in returned {
            if let Some(lot) = self.lot(allocation.lot)
                && lot.is_over(at)
                && lot.available > 0
            {
                expired += lot.available;
                self.expire(at, allocation.lot, hold);
            }
        }
        expired
    }

    /// As long as something is owed, whatever becomes available pays it first, pending points
    /// included: debt and available are never both above zero.
    pub(super) fn pay_debt(&mut self, at: Micros) {
        let units = self.account.debt.min(self.account.available);
        if units <= 0 {
            return;
        }
        let postings = Postings {
            available: -units,
            debt: units,
            ..Postings::default()
        };
        let mut line = Line::new(at, EntryKind::DebtPayment, units, postings);
        line.allocations = self.take(units, Bucket::Taken, |_| true);
        self.post(line);
    }
}
