use rapport_foundation::id::{EntryId, MemberId, ProgramId};
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;

/// The longest key of an order, in characters.
const LONGEST: usize = 128;

/// Key of an order in the selling system, 1 to 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(String);

impl OrderId {
    /// The key, if it is one: 1 to 128 characters without control characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty()
            && text.chars().count() <= LONGEST
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That an order has earned in a programme. There is one for each order and programme, for ever,
/// also when the order earned nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earning {
    /// The programme.
    pub program: ProgramId,
    /// The order.
    pub order_id: OrderId,
    /// Who earned.
    pub member: MemberId,
    /// What the customer paid.
    pub total: Amount,
    /// What it earned by the rule; zero for nothing.
    pub points: i64,
    /// The entry that gave the points; `None` when it earned nothing.
    pub entry: Option<EntryId>,
    /// When it earned.
    pub created_at: Micros,
}

impl Earning {
    /// Whether a second request for the same order says the same as the first.
    #[must_use]
    pub fn is_same(&self, member: MemberId, total: &Amount) -> bool {
        self.member == member && self.total == *total
    }
}
