//! The use cases, one function per RPC: load → decide → store and event in one transaction.

pub mod command;
mod create;
mod delete;
mod identifiers;
mod merge;
mod read;
mod resolve;
mod update;

pub(crate) use create::{added, created};
use rapport_foundation::batch::Batcher;
use rapport_foundation::context::Context;
use rapport_foundation::db;
use rapport_foundation::events::{Data, Outgoing};
use rapport_foundation::id::CustomerId;
use rapport_foundation::idempotency::{Claim, Key};
use rapport_foundation::page::PageTokens;
use rapport_foundation::time::{Clock, Micros};

use crate::domain::customer::{Customer, Shown};
use crate::domain::identifier::Region;
use crate::error::Error;
use crate::store::{Rows, Store};
use crate::work::resolving::{Resolution, Resolved};

/// Records that come from the use cases themselves rather than from a connector.
pub(crate) const BY_HAND: &str = "manual";

/// The service behind the wire.
#[derive(Clone)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) page_tokens: PageTokens,
    pub(crate) resolver: Batcher<Resolution, Resolved, Error>,
    pub(crate) default_region: Option<Region>,
}

impl App {
    /// The use cases over a store; `resolver` is what resolutions that write go through.
    #[must_use]
    pub const fn new(
        store: Store,
        clock: Clock,
        page_tokens: PageTokens,
        resolver: Batcher<Resolution, Resolved, Error>,
        default_region: Option<Region>,
    ) -> Self {
        Self {
            store,
            clock,
            page_tokens,
            resolver,
            default_region,
        }
    }

    /// The region of telephone numbers that come without any hint.
    #[must_use]
    pub const fn default_region(&self) -> Option<Region> {
        self.default_region
    }
}

/// Claims the request id; answers whether the call was answered before.
async fn replayed(rows: &Rows, key: &Key) -> Result<bool, Error> {
    match key.claim(rows.scoped()).await? {
        Claim::Fresh => Ok(false),
        Claim::Replay { .. } => Ok(true),
        Claim::Reused => Err(Error::RequestIdReused),
    }
}

/// The customer a call is about to change: nobody else changes it until the transaction ends.
async fn locked(rows: &Rows, id: CustomerId) -> Result<Customer, Error> {
    rows.lock([id]).await?;
    customer(rows, id).await
}

/// The customer a call is about.
async fn customer(rows: &Rows, id: CustomerId) -> Result<Customer, Error> {
    rows.customer(id).await?.ok_or(Error::NoCustomer(id))
}

/// The customer a call is about, as it is shown.
async fn shown(rows: &Rows, id: CustomerId) -> Result<Shown, Error> {
    rows.shown(id).await?.ok_or(Error::NoCustomer(id))
}

/// Refuses a call that was made on an older version.
fn matches(customer: &Customer, version: Option<i64>) -> Result<(), Error> {
    match version {
        Some(version) if version != customer.version => Err(Error::EtagMismatch(customer.id)),
        _ => Ok(()),
    }
}

/// Another call took the identifier at the same moment: the transaction is run again and finds it taken.
fn raced_when_taken(rows: &Rows, error: db::Error) -> db::Error {
    match error {
        db::Error::Unique => rows.scoped().raced(),
        other => other,
    }
}

/// An event about a customer.
fn event(at: Micros, customer: CustomerId, data: Data) -> Outgoing {
    Outgoing::new(at, customer, data)
}

/// Who is to be named as the author of a decision.
fn author(ctx: &Context) -> &str {
    ctx.originator()
}
