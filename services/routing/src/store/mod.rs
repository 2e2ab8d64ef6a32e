//! The tables of the service: domain types in, domain types out.
//!
//! Reading is open to all; writing goes through [`Store::decide`] alone, in one transaction
//! that names the owner's lease.

mod agents;
mod calendars;
mod columns;
mod conversations;
mod customers;
mod decision;
pub(crate) mod entities;
mod figures;
mod history;
mod lease;
mod load;
mod offers;
mod policies;
mod queues;
mod routing_policies;
mod sealed;
mod slas;
mod snapshot;
mod standings;
mod system;
mod ticket_routes;
mod tickets;
mod verify;
mod work_items;

pub(crate) use agents::{AgentFilter, StoredAgent};
pub(crate) use conversations::Joining;
pub(crate) use decision::{Committed, Decision, OfferRow};
pub(crate) use lease::Lease;
pub(crate) use load::{Loaded, Needs};
pub(crate) use queues::QueueFilter;
pub(crate) use sealed::Worded;
pub(crate) use slas::SlaRow;
pub(crate) use system::Replica;
pub(crate) use tickets::TicketFilter;
pub use verify::verify;
pub(crate) use work_items::WorkItemFilter;

use rapport_foundation::db::Database;
use rapport_foundation::seal::Vault;
use uuid::Uuid;

/// One page of a listing: the rows, and the id to go on behind when there are more.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<Uuid>,
}

impl<T> Page<T> {
    /// From one row more than was asked for, if there is one.
    fn of(mut rows: Vec<T>, size: u64, id: impl Fn(&T) -> Uuid) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(id);
        Self { rows, next }
    }
}

/// The service's database.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    db: Database,
    vault: Vault,
}

impl Store {
    pub(crate) const fn new(db: Database, vault: Vault) -> Self {
        Self { db, vault }
    }
}

#[cfg(test)]
mod tests;
