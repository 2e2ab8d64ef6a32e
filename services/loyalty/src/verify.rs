//! The invariants of the ledger, over a whole database: everything that is materialised is computed again
//! from the entries, the chain included.

use std::time::Duration;

use rapport_foundation::db::Database;
use rapport_foundation::id::{MemberId, TenantId};
use rapport_foundation::verify::Breach;

use crate::Error;
use crate::domain::Ledger;
use crate::domain::audit::{self, Book};
use crate::store::system::{self, StoredBook};

/// Members whose books are read at once.
const AT_ONCE: u64 = 100;
/// A book that is written while it is read looks torn: it is read again this many times.
const READINGS: u32 = 5;

/// Checks every book of every tenant: one effect per request id (I2); balances are the sums of the entries,
/// never negative, every chain unbroken, debits equal credits, lots and holds agree with the entries, each
/// order earned once what the rule says (I3).
///
/// # Errors
/// When the store cannot be read.
pub async fn verify(db: &Database) -> Result<Vec<Breach>, Error> {
    let mut breaches: Vec<Breach> = system::dangling(db)
        .await?
        .into_iter()
        .map(|(invariant, tenant, what)| Breach {
            invariant,
            tenant,
            what,
        })
        .collect();
    let mut after = None;
    loop {
        let accounts = system::accounts(db, after, AT_ONCE).await?;
        let Some((tenant, member)) = accounts.last() else {
            return Ok(breaches);
        };
        after = Some((tenant.uuid(), member.uuid()));
        for of_tenant in accounts.chunk_by(|a, b| a.0 == b.0) {
            let Some((tenant, _)) = of_tenant.first() else {
                continue;
            };
            let members: Vec<MemberId> = of_tenant.iter().map(|(_, member)| *member).collect();
            for book in system::books(db, *tenant, &members).await? {
                if !faults(&book).is_empty() {
                    breaches.extend(settled_faults(db, *tenant, book.account.member).await?);
                }
            }
        }
    }
}

/// The faults of a book that are still there when it is read alone.
async fn settled_faults(
    db: &Database,
    tenant: TenantId,
    member: MemberId,
) -> Result<Vec<Breach>, Error> {
    let mut found = Vec::new();
    for reading in 0..READINGS {
        found = system::books(db, tenant, &[member])
            .await?
            .iter()
            .flat_map(faults)
            .collect();
        if found.is_empty() {
            break;
        }
        // A writer is done within milliseconds.
        tokio::time::sleep(Duration::from_millis(10 << reading)).await;
    }
    let breach = |what| Breach {
        invariant: 3,
        tenant,
        what,
    };
    Ok(found.into_iter().map(breach).collect())
}

fn faults(book: &StoredBook) -> Vec<String> {
    let member = book.account.member;
    let Some(program) = &book.program else {
        return vec![format!("{member}: its programme is not there")];
    };
    let mut faults = audit::check(&Book {
        account: &book.account,
        entries: &book.entries,
        lots: &book.lots,
        holds: &book.holds,
        earnings: &book.earnings,
        rule: &program.rule,
    });
    let ledger = Ledger::restore(book.account.clone(), book.lots.clone(), book.holds.clone());
    if ledger.next_due_at() != book.next_due_at {
        faults.push(format!("{member}: the sweep would look at the wrong time"));
    }
    faults
}
