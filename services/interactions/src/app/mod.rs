//! What this service does, one function a call: load → decide → store and tell in the same transaction.

mod changes;
mod conflicts;
mod conversations;
mod count;
mod deliver;
mod erasure;
mod export;
mod extract;
pub(crate) mod facts;
mod feed;
mod holds;
mod ingest;
mod intake;
mod known;
mod media;
mod outbound;
mod pages;
mod privacy;
mod read;
mod record;
mod retention;
mod search;
mod threading;
mod timeline;
mod watch;

use rapport_foundation::bell::Bell;
use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::events::Log;
use rapport_foundation::id::CustomerId;
use rapport_foundation::service::Env;
use tokio_util::sync::CancellationToken;

use crate::clients::{Objects, Profiles};
use crate::store::Store;
use crate::work::Recorder;
use crate::{Config, Error};

pub(crate) use crate::store::{Extract, Filter, OutboundFilter, Search};
pub(crate) use changes::Redrawing;
pub(crate) use count::COUNTS;
pub(crate) use deliver::{Heard, Report, Spoken};
pub(crate) use export::{Exported, Piece};
pub(crate) use extract::Extracted;
pub(crate) use holds::{PlaceHold, ReleaseHold};
pub(crate) use ingest::{Acknowledgement, Item, Said, Uploaded};
pub(crate) use intake::SetRules;
pub(crate) use media::{Chunk, Files, NewUpload};
pub(crate) use outbound::{Address, QueueOutbound, To};
pub(crate) use pages::Page;
pub(crate) use privacy::SetNumbers;
pub(crate) use retention::SetRetention;
pub(crate) use search::Hit;
pub(crate) use threading::SetThreading;
pub(crate) use watch::{Told, WatchFrom, Watched};

/// The use cases with what they stand on.
pub(crate) struct App {
    env: Env,
    store: Store,
    config: Config,
    log: Log,
    recorder: Recorder,
    profiles: Profiles,
    bell: Bell,
    files: Files,
}

impl App {
    pub(crate) fn new(
        env: &Env,
        store: Store,
        recorder: Recorder,
        profiles: Profiles,
        objects: Objects,
        config: Config,
    ) -> Self {
        Self {
            env: env.clone(),
            log: Log::new(env.db.clone()),
            store,
            files: Files::new(objects, config.media.transfers),
            config,
            recorder,
            profiles,
            bell: Bell::default(),
        }
    }

    /// The present moment, for checks at the edge.
    pub(crate) fn now(&self) -> rapport_foundation::time::Micros {
        self.env.clock.now()
    }

    fn shutdown(&self) -> &CancellationToken {
        &self.env.shutdown
    }

    /// That there is such a customer, here or, when no contact of theirs was ever logged, in profiles.
    async fn must_know(&self, ctx: &Context, customer: CustomerId) -> Result<(), Error> {
        if self.store.knows_customer(ctx.tenant, customer).await? {
            return Ok(());
        }
        if self
            .profiles
            .knows(ctx.tenant, ctx.originator(), customer)
            .await?
        {
            return Ok(());
        }
        Err(Error::NoCustomer(customer))
    }
}

/// The connector that speaks, by its credential.
fn connector(ctx: &Context) -> Result<&str, Error> {
    ctx.connector
        .as_deref()
        .filter(|name| !name.is_empty())
        .ok_or(Error::ConnectorUnknown)
}

/// An end customer sees their own only: the credential names the customer. Anything else is as if it were not there.
fn may_see(ctx: &Context, customer: CustomerId) -> Result<(), Error> {
    let end_customer = ctx.kind == PrincipalKind::Customer;
    if end_customer && ctx.principal != customer.to_string() {
        Err(Error::NoCustomer(customer))
    } else {
        Ok(())
    }
}
