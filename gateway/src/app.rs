//! Use cases of `rapport.access.v1`, one function per RPC.

use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::id::TenantId;
use rapport_foundation::page::{PageTokens, fingerprint};
use rapport_foundation::time::Clock;

pub mod api_keys;
pub mod audit;
pub mod revocations;
pub mod roles;
pub mod tenants;

use crate::config::AccessLimits;
use crate::directory::Directory;
use crate::error::Error;
use crate::policy::{Authority, is_operator};
use crate::store::{Cursor, Store};

/// What the use cases work with.
#[derive(Clone)]
pub struct Access {
    /// The tables.
    pub store: Store,
    /// What of them is in memory.
    pub directory: Directory,
    /// Where the time comes from.
    pub clock: Clock,
    /// Page tokens.
    pub page_tokens: PageTokens,
    /// Who may give which rights.
    pub authority: Authority,
    /// How much a tenant may have.
    pub limits: AccessLimits,
    /// The longest that anything can be valid that was issued until now.
    pub longest: Duration,
}

/// A page of a list that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// From the answer before; empty for the first.
    pub token: &'a str,
    /// How many at most.
    pub most: u32,
}

impl Access {
    /// Makes a change of a tenant's access known here at once. When it cannot be read, the next refresh makes up for it.
    async fn in_force(&self, tenant: TenantId) {
        if let Err(error) = self.directory.reload(&self.store, tenant).await {
            tracing::warn!(%error, "a change is in force only at the next refresh");
        }
    }

    fn after(&self, query: &[u8], page: Page<'_>) -> Result<Option<Cursor>, Error> {
        Ok(self.page_tokens.decode(page.token, query)?)
    }

    fn next(&self, query: &[u8], next: Option<Cursor>) -> String {
        next.map_or_else(String::new, |cursor| {
            self.page_tokens.encode(query, &cursor)
        })
    }
}

/// Whose a call is about: the caller's own tenant, or the one that an operator names.
fn tenant_of(ctx: &Context, named: Option<TenantId>) -> Result<TenantId, Error> {
    match named {
        Some(named) if named == ctx.tenant || is_operator(ctx) => Ok(named),
        Some(named) => Err(Error::TenantNotFound(named)),
        None if ctx.tenant == TenantId::nil() => Err(Error::TenantUnnamed),
        None => Ok(ctx.tenant),
    }
}

/// What binds a page token to its list.
fn list_of(ctx: &Context, tenant: TenantId, what: &str) -> Vec<u8> {
    fingerprint(ctx.tenant, &[what, &tenant.to_string()])
}
