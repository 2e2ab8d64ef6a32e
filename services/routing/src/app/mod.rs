//! The use cases, one function an RPC: what is asked, decided by the tenant's owner, read back
//! once it is durable.

mod access;
mod agents;
mod bots;
mod calendars;
pub(crate) mod command;
pub(crate) mod contact_commands;
pub(crate) mod decide;
pub(crate) mod desk;
mod history;
mod many;
mod merges;
pub(crate) mod news;
mod offers;
mod policies;
pub(crate) mod queues;
mod repeats;
mod routing;
mod sla;
mod supervision;
mod ticket_watch;
mod tickets;
mod transfers;
pub(crate) mod watch;
pub(crate) mod words;
mod work_items;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rapport_foundation::context::Context;
use rapport_foundation::page::{PageTokens, fingerprint};
use rapport_foundation::service::Env;
use uuid::Uuid;

pub(crate) use many::{BULK_MAX, Counted, OneOfMany, Which};
pub(crate) use offers::Watched;
pub(crate) use routing::{Asked as AskedRouting, Decided as DecidedRouting, ExplainedRouting};
pub(crate) use sla::Explained;
pub(crate) use ticket_watch::{ToldTicket, WatchFrom, WatchedTickets};

pub(crate) use crate::Config;
pub(crate) use crate::Error;
use crate::store::{Page, Store};
use crate::work::Shell;

/// One page of a listing, as asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paging {
    pub(crate) size: u32,
    pub(crate) token: String,
}

/// A page of resources and the token of the next.
pub(crate) struct Listed<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: String,
}

/// The use cases of routing. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    store: Store,
    shell: Shell,
    env: Env,
    config: Config,
    streams: AtomicU64,
}

impl App {
    pub(crate) fn new(store: Store, shell: Shell, env: Env, config: Config) -> Self {
        let streams = AtomicU64::new(1);
        Self(Arc::new(Inner {
            store,
            shell,
            env,
            config,
            streams,
        }))
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn shell(&self) -> &Shell {
        &self.0.shell
    }
}

/// A listing's place: what binds its tokens, and where this page begins.
struct Listing<'a> {
    tokens: &'a PageTokens,
    query: Vec<u8>,
    after: Option<Uuid>,
    size: u64,
}

impl App {
    fn listing(
        &self,
        ctx: &Context,
        query: &[&str],
        paging: &Paging,
    ) -> Result<Listing<'_>, Error> {
        let tokens = &self.0.env.page_tokens;
        let query = fingerprint(ctx.tenant, query);
        let after = tokens.decode::<Uuid>(&paging.token, &query)?;
        Ok(Listing {
            tokens,
            query,
            after,
            size: paging.size.into(),
        })
    }
}

impl Listing<'_> {
    fn listed<T>(&self, page: Page<T>) -> Listed<T> {
        let next = page.next.map(|id| self.tokens.encode(&self.query, &id));
        Listed {
            rows: page.rows,
            next: next.unwrap_or_default(),
        }
    }
}

/// How an optional part of a query stands in its fingerprint.
fn part(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// What a resource is called when another tenant's or nobody's id was given.
fn found<T>(value: Option<T>, kind: &'static str, id: impl std::fmt::Display) -> Result<T, Error> {
    value.ok_or_else(|| Error::not_found(kind, id))
}
