use rapport_foundation::id::{EntryId, LotId, MemberId};
use rapport_foundation::time::Micros;

use super::{Allocation, Bucket};

/// Points that came in together, with a time from which and a time until which they can be spent.
///
/// Every unit of `amount` is in exactly one bucket, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Which lot.
    pub id: LotId,
    /// Whose.
    pub member: MemberId,
    /// The entry that made it.
    pub earned_by: EntryId,
    /// That entry's number in the member's chain: the age of the lot.
    pub earned_sequence: i64,
    /// What came in.
    pub amount: i64,
    /// Of it: can be spent, now or once active.
    pub available: i64,
    /// Of it: set aside by open holds.
    pub held: i64,
    /// Of it: spent.
    pub redeemed: i64,
    /// Of it: lapsed unspent.
    pub expired: i64,
    /// Of it: taken by a claw-back or a debt.
    pub taken: i64,
    /// From when it can be spent.
    pub active_at: Micros,
    /// From when it cannot be spent any more; `None` for ever.
    pub expires_at: Option<Micros>,
    /// When it came in.
    pub created_at: Micros,
}

impl Lot {
    /// What of it the member still has.
    #[must_use]
    pub const fn remainder(&self) -> i64 {
        self.available + self.held
    }

    /// Whether it can be spent at that moment.
    #[must_use]
    pub fn is_active(&self, at: Micros) -> bool {
        self.active_at <= at
    }

    /// Whether it has lapsed at that moment.
    #[must_use]
    pub fn is_over(&self, at: Micros) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }

    /// The place in the order of spending: what lapses first, then what is oldest.
    #[must_use]
    pub fn place(&self) -> (Micros, i64) {
        (self.expires_at.unwrap_or(Micros::MAX), self.earned_sequence)
    }

    /// Units in one bucket.
    #[must_use]
    pub const fn bucket(&self, bucket: Bucket) -> i64 {
        match bucket {
            Bucket::Available => self.available,
            Bucket::Held => self.held,
            Bucket::Redeemed => self.redeemed,
            Bucket::Expired => self.expired,
            Bucket::Taken => self.taken,
        }
    }

    /// Moves units from bucket to bucket.
    pub(super) fn apply(&mut self, allocation: &Allocation) {
        if let Some(from) = allocation.from {
            *self.bucket_mut(from) -= allocation.units;
        }
        *self.bucket_mut(allocation.to) += allocation.units;
    }

    /// Whether every unit is in one bucket and no bucket is below zero.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let buckets = [
            self.available,
            self.held,
            self.redeemed,
            self.expired,
            self.taken,
        ];
        buckets.iter().all(|units| *units >= 0)
            && buckets.iter().map(|units| i128::from(*units)).sum::<i128>()
                == i128::from(self.amount)
    }

    fn bucket_mut(&mut self, bucket: Bucket) -> &mut i64 {
        match bucket {
            Bucket::Available => &mut self.available,
            Bucket::Held => &mut self.held,
            Bucket::Redeemed => &mut self.redeemed,
            Bucket::Expired => &mut self.expired,
            Bucket::Taken => &mut self.taken,
        }
    }
}
