//! The log's tables: domain types in, domain types out.

mod attach;
mod body;
mod changes;
mod conflicts;
mod contact;
mod conversations;
mod counts;
mod customers;
mod erasure;
mod extract;
mod facts;
mod forget;
mod holds;
mod index;
mod interactions;
mod joining;
mod known;
mod links;
mod mails;
mod matters;
mod media;
mod number_policy;
mod numbers;
mod outbound;
mod projections;
mod record;
mod retention;
mod rules;
mod split;
mod splits;
mod subject;
mod system;
mod threading_rules;
mod threads;
mod tickets;
mod timeline;
mod verify;
mod wanted;

use std::sync::Arc;

use rapport_foundation::db::Database;
use rapport_foundation::seal::Vault;

pub(crate) use attach::Overtaken;
pub(crate) use changes::{Making, Merged, Undoing};
pub(crate) use counts::Cell;
pub(crate) use erasure::{Erased, Erasure, Moment};
pub(crate) use extract::Extract;
pub(crate) use facts::{BecameKnown, FactOutcome, FactTelling};
pub(crate) use index::{Search, Spot};
pub(crate) use interactions::Filter;
pub(crate) use joining::Arrival;
pub(crate) use known::FactPlace;
pub(crate) use links::{Found, Pending, Resolved};
pub(crate) use media::{Begun, Kept};
pub(crate) use number_policy::PolicyCache;
pub(crate) use outbound::{Asking, Handover, Moved, OutboundFilter, QueueOutcome, Queueing};
pub(crate) use record::{Logged, Outcome, Telling, Thread};
pub(crate) use retention::Due;
pub(crate) use rules::RulesCache;
pub(crate) use splits::Splitting;
pub(crate) use system::{Announce, Answer, Command, DueMedia, DueOutbound};
pub(crate) use verify::verify;

/// The tables of this service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) db: Database,
    vault: Vault,
    rules: Arc<RulesCache>,
    policies: Arc<PolicyCache>,
}

impl Store {
    pub(crate) fn new(db: Database, vault: Vault) -> Self {
        Self {
            db,
            vault,
            rules: Arc::default(),
            policies: Arc::default(),
        }
    }
}
