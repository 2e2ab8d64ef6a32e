//! The log's tables: domain types in, domain types out.

mod attach;
mod body;
mod conflicts;
mod contact;
mod conversations;
mod customers;
mod facts;
mod index;
mod interactions;
mod known;
mod links;
mod media;
mod projections;
mod record;
mod rules;
mod split;
mod subject;
mod system;
mod timeline;
mod verify;

use std::sync::Arc;

use rapport_foundation::db::Database;
use rapport_foundation::seal::Vault;

pub(crate) use attach::Overtaken;
pub(crate) use facts::{BecameKnown, FactOutcome, FactTelling};
pub(crate) use index::{Search, Spot};
pub(crate) use interactions::Filter;
pub(crate) use known::FactPlace;
pub(crate) use links::{Found, Pending, Resolved};
pub(crate) use media::{Begun, Kept};
pub(crate) use record::{Logged, Outcome, Telling};
pub(crate) use rules::RulesCache;
pub(crate) use system::{Announce, Answer, Command, Due};
pub(crate) use verify::verify;

/// The tables of this service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) db: Database,
    vault: Vault,
    rules: Arc<RulesCache>,
}

impl Store {
    pub(crate) fn new(db: Database, vault: Vault) -> Self {
        Self {
            db,
            vault,
            rules: Arc::default(),
        }
    }
}
