//! Tenants: created and changed by operators, read by themselves.

use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::page::{PageTokens, fingerprint};
use rapport_foundation::time::Clock;

use crate::directory::Directory;
use crate::domain::tenant::{Change, State, Tenant, TimeZone};
use crate::error::Error;
use crate::store::Store;

/// The tenants' use cases.
#[derive(Clone)]
pub struct Tenants {
    store: Store,
    directory: Directory,
    clock: Clock,
    page_tokens: PageTokens,
}

/// What a new tenant is to be.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    /// Its id; none lets us choose.
    pub id: Option<TenantId>,
    /// Its name.
    pub display_name: String,
    /// Its zone.
    pub time_zone: TimeZone,
}

impl Tenants {
    /// Use cases over a store.
    pub fn new(store: Store, directory: Directory, clock: Clock, page_tokens: PageTokens) -> Self {
        Tenants {
            store,
            directory,
            clock,
            page_tokens,
        }
    }

    /// Adds a tenant.
    ///
    /// # Errors
    /// When its id is taken or the request id was used for something else.
    pub async fn create(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: NewTenant,
    ) -> Result<Tenant, Error> {
        let now = self.clock.now();
        let tenant = Tenant {
            id: wanted.id.unwrap_or_else(|| TenantId::new(now)),
            display_name: wanted.display_name,
            time_zone: wanted.time_zone,
            state: State::Active,
            version: 1,
            created: now,
            updated: now,
        };
        let tenant = self.store.create(ctx.tenant, key, &tenant).await?;
        self.directory.note(tenant.id, tenant.state);
        Ok(tenant)
    }

    /// Reads a tenant: any for an operator, only the own one for everybody else.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`] for what is not there and for what is not the caller's, alike.
    pub async fn get(&self, ctx: &Context, id: TenantId) -> Result<Tenant, Error> {
        if ctx.kind != PrincipalKind::Operator && ctx.tenant != id {
            return Err(Error::TenantNotFound(id));
        }
        self.store.get(id).await
    }

    /// Lists tenants, oldest first, with the token of the next page.
    ///
    /// # Errors
    /// When the page token belongs to another query.
    pub async fn list(
        &self,
        ctx: &Context,
        page: &str,
        most: u32,
    ) -> Result<(Vec<Tenant>, String), Error> {
        let query = fingerprint(ctx.tenant, &["ListTenants"]);
        let after = self.page_tokens.decode(page, &query)?;
        let (tenants, next) = self.store.list(after, most).await?;
        let next = next.map_or_else(String::new, |cursor| {
            self.page_tokens.encode(&query, &cursor)
        });
        Ok((tenants, next))
    }

    /// Changes a tenant. A suspension is in force here at once, on other replicas within their refresh.
    ///
    /// # Errors
    /// When there is no such tenant, the etag is stale, or the request id was used for something else.
    pub async fn update(
        &self,
        ctx: &Context,
        key: &Key,
        id: TenantId,
        etag: Option<i64>,
        change: &Change,
    ) -> Result<Tenant, Error> {
        let now = self.clock.now();
        let tenant = self
            .store
            .update(ctx.tenant, key, id, etag, change, now)
            .await?;
        self.directory.note(tenant.id, tenant.state);
        Ok(tenant)
    }
}
