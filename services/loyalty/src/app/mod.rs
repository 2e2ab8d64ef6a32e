//! The use cases, one function an RPC: load → decide → store and event, in one transaction.

mod command;
mod desk;
mod events;
mod ledger;
pub(crate) mod linked;
mod load;
mod members;
mod programs;
mod shelf;

use rapport_foundation::batch::Batcher;
use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::{CustomerId, TenantId};
use rapport_foundation::page::PageTokens;
use rapport_foundation::time::Clock;

pub(crate) use command::{Ask, Command, Done, Request as NamedRequest, Sum};
pub(crate) use ledger::apply;
pub(crate) use members::Enrol;
pub(crate) use programs::NewProgram;
pub(crate) use shelf::Shelf;

use crate::Error;
use crate::domain::{Member, Program};
use crate::store::Store;

/// A command on its way to the batcher, with its tenant.
pub(crate) type Queued = (TenantId, Command);

/// What the calls share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) page_tokens: PageTokens,
    pub(crate) batcher: Batcher<Queued, Done, Error>,
}

/// A page of a listing.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: String,
}

/// What a listing is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) size: u32,
    pub(crate) token: String,
}

impl<T> Page<T> {
    /// A page of so many out of one more than that, which tells whether something follows.
    fn cut(mut items: Vec<T>, size: u32, token: impl FnOnce(&T) -> String) -> Self {
        let size = size as usize;
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(token).unwrap_or_default();
        Self { items, next }
    }
}

/// A member with its programme: what a balance is told in.
pub(crate) type Membership = (Member, Program);

/// End customers see what is theirs and nothing else; whoever works for the tenant sees every member.
fn may_see(ctx: &Context, customer: CustomerId) -> bool {
    ctx.kind != PrincipalKind::Customer
        || ctx
            .principal
            .parse::<CustomerId>()
            .is_ok_and(|own| own == customer)
}
