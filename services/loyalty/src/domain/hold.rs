use rapport_foundation::id::{HoldId, LotId, MemberId};
use rapport_foundation::time::Micros;

use super::OrderId;

/// How far a hold is. Only an open one can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// The points are set aside.
    Open,
    /// Captured; what was not captured went back.
    Captured,
    /// Given back by a caller.
    Voided,
    /// Given back because its time ran out.
    Lapsed,
}

impl HoldState {
    /// The name that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Lapsed => "lapsed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Captured, Self::Voided, Self::Lapsed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// How much of a hold came out of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldAllocation {
    /// The lot.
    pub lot: LotId,
    /// Smallest units, positive.
    pub units: i64,
}

/// Points set aside for a purchase that may or may not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which hold.
    pub id: HoldId,
    /// Whose.
    pub member: MemberId,
    /// What was set aside.
    pub amount: i64,
    /// Of it: spent.
    pub captured: i64,
    /// Of it: back where it can be spent.
    pub voided: i64,
    /// Of it: came back after its lot had lapsed.
    pub expired: i64,
    /// How far it is.
    pub state: HoldState,
    /// Where the points came from, in the order in which they are spent.
    pub allocations: Vec<HoldAllocation>,
    /// The order it is for.
    pub order_id: Option<OrderId>,
    /// When it lapses.
    pub expires_at: Micros,
    /// When it was made.
    pub created_at: Micros,
    /// Counts changes from 1.
    pub version: i64,
}

impl Hold {
    /// What is still set aside.
    #[must_use]
    pub const fn open(&self) -> i64 {
        match self.state {
            HoldState::Open => self.amount,
            HoldState::Captured | HoldState::Voided | HoldState::Lapsed => 0,
        }
    }

    /// Whether captured, voided, expired and open make up what was set aside.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let parts = [self.captured, self.voided, self.expired, self.open()];
        let allocated: i128 = self
            .allocations
            .iter()
            .map(|part| i128::from(part.units))
            .sum();
        parts.iter().all(|units| *units >= 0)
            && parts.iter().map(|units| i128::from(*units)).sum::<i128>() == i128::from(self.amount)
            && allocated == i128::from(self.amount)
    }
}
