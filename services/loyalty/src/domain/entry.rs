use rapport_foundation::id::{EntryId, HoldId, InteractionId, LotId, MemberId, ProgramId};
use rapport_foundation::time::Micros;

use super::{Hash, OrderId};

/// What kind of movement an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Issuance to the member.
    Earn,
    /// Available to held.
    Hold,
    /// Held to redeemed.
    Capture,
    /// Held back to available.
    Void,
    /// The member to expired.
    Expire,
    /// An earlier entry is taken back.
    Reverse,
    /// Available pays a debt.
    DebtPayment,
}

impl EntryKind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Earn,
        Self::Hold,
        Self::Capture,
        Self::Void,
        Self::Expire,
        Self::Reverse,
        Self::DebtPayment,
    ];

    /// The name that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Expire => "expire",
            Self::Reverse => "reverse",
            Self::DebtPayment => "debt_payment",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What an entry adds to each account; credit when positive, debit when negative. The sum is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Postings {
    /// The member: can be spent, now or once active.
    pub available: i64,
    /// The member: set aside by holds.
    pub held: i64,
    /// The member: owed after a claw-back, negative while something is owed.
    pub debt: i64,
    /// The programme: points given out, negative.
    pub issuance: i64,
    /// The programme: points spent.
    pub redeemed: i64,
    /// The programme: points lapsed.
    pub expired: i64,
}

impl Postings {
    /// The six amounts in the order of the accounts.
    #[must_use]
    pub const fn amounts(&self) -> [i64; 6] {
        [
            self.available,
            self.held,
            self.debt,
            self.issuance,
            self.redeemed,
            self.expired,
        ]
    }

    /// Whether debits equal credits.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.amounts()
            .iter()
            .map(|units| i128::from(*units))
            .sum::<i128>()
            == 0
    }
}

/// Where a unit of a lot can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Can be spent, now or once active.
    Available,
    /// Set aside.
    Held,
    /// Spent.
    Redeemed,
    /// Lapsed.
    Expired,
    /// Taken by a claw-back or a debt.
    Taken,
}

impl Bucket {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 5] = [
        Self::Available,
        Self::Held,
        Self::Redeemed,
        Self::Expired,
        Self::Taken,
    ];

    /// The name that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Held => "held",
            Self::Redeemed => "redeemed",
            Self::Expired => "expired",
            Self::Taken => "taken",
        }
    }

    /// The bucket of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.as_str() == name)
    }
}

/// How much of a lot an entry moved, and from where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// The lot.
    pub lot: LotId,
    /// Smallest units, positive.
    pub units: i64,
    /// Where they were; `None` when the entry made the lot.
    pub from: Option<Bucket>,
    /// Where they are.
    pub to: Bucket,
    /// When the lot lapses; `None` for ever.
    pub expires_at: Option<Micros>,
}

impl Allocation {
    /// Positive when it flowed into what the member can spend of the lot, else negative.
    #[must_use]
    pub const fn signed(&self) -> i64 {
        match self.to {
            Bucket::Available => self.units,
            Bucket::Held | Bucket::Redeemed | Bucket::Expired | Bucket::Taken => -self.units,
        }
    }
}

/// What an entry is about, as its caller says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// The order it belongs to.
    pub order_id: Option<OrderId>,
    /// The interaction that carried it.
    pub interaction: Option<InteractionId>,
    /// Why, a code.
    pub reason: Option<String>,
}

/// One line of the ledger. Never changed, never removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which entry.
    pub id: EntryId,
    /// Whose.
    pub member: MemberId,
    /// In which programme.
    pub program: ProgramId,
    /// Number in the member's chain, from 1 without a gap.
    pub sequence: i64,
    /// What kind of movement it is.
    pub kind: EntryKind,
    /// What moved, positive.
    pub points: i64,
    /// Where it came from and went to.
    pub postings: Postings,
    /// Which lots it touched.
    pub allocations: Vec<Allocation>,
    /// Available after it, pending points included.
    pub available_after: i64,
    /// Held after it.
    pub held_after: i64,
    /// Owed after it, positive.
    pub debt_after: i64,
    /// The hold it belongs to.
    pub hold: Option<HoldId>,
    /// The entry it takes back.
    pub reverses: Option<EntryId>,
    /// What it is about.
    pub cause: Cause,
    /// When.
    pub at: Micros,
    /// Over the hash of the entry before and everything above.
    pub hash: Hash,
}
