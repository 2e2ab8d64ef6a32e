//! Ledgers that have so many lots that reading them for every batch would be the whole work are kept between
//! batches. What is kept counts only as long as the account has the version it was kept with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_foundation::id::{MemberId, TenantId};

use crate::domain::{Account, Ledger};

/// Ledgers with fewer lots are read faster than they are worth keeping.
const FEWEST_LOTS: usize = 128;
/// Lots kept at most, of all ledgers together: about a quarter of a kilobyte each.
const MOST_LOTS: usize = 100_000;

/// Ledgers between two batches; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<HashMap<(TenantId, MemberId), Ledger>>>);

impl Shelf {
    /// The ledger of this account, when it is kept and nobody has written since. It is taken: should the
    /// transaction fail, the ledger is read again.
    pub(crate) fn take(&self, account: &Account) -> Option<Ledger> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = kept.remove(&(account.tenant, account.member))?;
        (ledger.account() == account).then_some(ledger)
    }

    /// Whether a ledger is worth keeping.
    pub(crate) fn wants(ledger: &Ledger) -> bool {
        (FEWEST_LOTS..=MOST_LOTS).contains(&ledger.lot_count())
    }

    /// Keeps ledgers as they were committed. When there are too many, the others go.
    pub(crate) fn keep(&self, ledgers: Vec<Ledger>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ledger in ledgers {
            let there: usize = kept.values().map(Ledger::lot_count).sum();
            if there + ledger.lot_count() > MOST_LOTS {
                kept.clear();
            }
            kept.insert((ledger.account().tenant, ledger.account().member), ledger);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use rapport_foundation::id::ProgramId;
    use rapport_foundation::time::Micros;

    use super::*;
    use crate::domain::{Cause, Points, Terms};

    fn ledger(lots: usize) -> Ledger {
        let now = Micros::from_secs(1);
        let account = Account::open(TenantId::nil(), ProgramId::nil(), MemberId::new(now), now);
        let mut ledger = Ledger::restore(account, [], []);
        let terms = Terms {
            activation_delay: Duration::ZERO,
            validity: None,
        };
        for _ in 0..lots {
            ledger
                .earn(now, Points::ONE, terms, Cause::default())
                .unwrap();
        }
        ledger.take_changes();
        ledger
    }

    #[test]
    fn a_kept_ledger_counts_as_long_as_nobody_has_written() {
        let shelf = Shelf::default();
        let mut kept = ledger(FEWEST_LOTS);
        assert!(Shelf::wants(&kept) && !Shelf::wants(&ledger(1)));
        let account = kept.account().clone();
        shelf.keep(vec![kept.clone()]);
        assert!(shelf.take(&account).is_some());
        assert!(shelf.take(&account).is_none(), "taken");
        shelf.keep(vec![kept.clone()]);
        kept.catch_up(Micros::from_secs(2));
        let newer = Account {
            version: account.version + 1,
            ..account
        };
        assert!(shelf.take(&newer).is_none(), "written by somebody else");
    }
}
