//! The tables of the service: domain types in, domain types out.
//!
//! Reading is open to all; writing goes through [`Store::decide`] alone, in one transaction
//! that names the owner's lease.

mod agents;
mod calendars;
mod columns;
mod contact_commands;
mod conversations;
mod customers;
mod decision;
pub(crate) mod entities;
mod figures;
mod hand_overs;
mod history;
mod known;
mod lease;
mod load;
mod merges;
mod offers;
mod parts;
mod passages;
mod picks;
mod policies;
mod queues;
mod records;
mod repeats;
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
pub(crate) use contact_commands::CommandFilter;
pub(crate) use conversations::Joining;
pub(crate) use decision::{Committed, Decision, OfferRow};
pub(crate) use lease::Lease;
pub(crate) use load::{Loaded, Needs};
pub(crate) use queues::QueueFilter;
pub(crate) use repeats::Repeats;
pub(crate) use sealed::Worded;
pub(crate) use slas::SlaRow;
pub(crate) use system::Replica;
pub(crate) use tickets::TicketFilter;
pub use verify::verify;
pub(crate) use work_items::WorkItemFilter;

use rapport_foundation::db::{Database, Error, Scoped, TenantOwned};
use rapport_foundation::id::TenantId;
use rapport_foundation::seal::Vault;
use sea_orm::{ColumnTrait as _, Condition};
use uuid::Uuid;

use known::Known;

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
    known: Known,
}

impl Store {
    pub(crate) fn new(db: Database, vault: Vault) -> Self {
        Self {
            db,
            vault,
            known: Known::default(),
        }
    }

    /// Rows that fit, newest first, behind `after`: one more than `size`, if there are more.
    async fn newest<E, T>(
        &self,
        tenant: TenantId,
        id: E::Column,
        wanted: Condition,
        after: Option<Uuid>,
        size: u64,
        read: fn(E::Model) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error>
    where
        E: TenantOwned,
        E::Model: Send + Sync,
        T: Send,
    {
        let wanted = wanted.add_option(after.map(|after| id.lt(after)));
        let find = |s: Scoped| {
            let wanted = wanted.clone();
            async move {
                let rows = s.find::<E>().filter(wanted).order_by_desc(id);
                let rows = rows.limit(size + 1).all().await?;
                rows.into_iter().map(read).collect()
            }
        };
        self.db.read(tenant, find).await
    }
}

#[cfg(test)]
mod tests;
