use rapport_foundation::id::{EntryId, LotId};
use rapport_foundation::time::Micros;

use super::{Bucket, EntryKind, Ledger, Line, Postings, moved};
use crate::domain::{Cause, Lot, MOST_BALANCE, Points, Refusal, Terms};

impl Ledger {
    /// Gives points: a lot of its own, which pays a debt first.
    ///
    /// # Errors
    /// [`Refusal::BalanceTooHigh`] when the account would hold too much.
    pub fn earn(
        &mut self,
        now: Micros,
        points: Points,
        terms: Terms,
        cause: Cause,
    ) -> Result<EntryId, Refusal> {
        let now = self.not_before_the_last(now);
        self.catch_up(now);
        let units = points.units();
        if self.account.available + self.account.held + units > MOST_BALANCE {
            return Err(Refusal::BalanceTooHigh);
        }
        let (active_at, expires_at) = terms.span(now);
        let lot = Lot {
            id: LotId::new(now),
            member: self.account.member,
            // Set below: the entry is made by `post`, which needs the lot to be there.
            earned_by: EntryId::nil(),
            earned_sequence: self.account.sequence + 1,
            amount: units,
            available: 0,
            held: 0,
            redeemed: 0,
            expired: 0,
            taken: 0,
            active_at,
            expires_at,
            created_at: now,
        };
        let postings = Postings {
            available: units,
            issuance: -units,
            ..Postings::default()
        };
        let mut line = Line::new(now, EntryKind::Earn, units, postings);
        line.allocations = vec![moved(&lot, units, None, Bucket::Available)];
        line.cause = cause;
        let place = lot.place();
        self.insert_lot(lot);
        let id = self.post(line);
        if let Some(lot) = self.lots.get_mut(&place) {
            lot.earned_by = id;
        }
        self.pay_debt(now);
        Ok(id)
    }
}
