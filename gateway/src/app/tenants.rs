//! Tenants: created and changed by operators, read by themselves.

use rapport_foundation::context::Context;
use rapport_foundation::id::TenantId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::page::fingerprint;

use super::Access;
use crate::domain::quota::Quota;
use crate::domain::tenant::{Change, State, Tenant, TimeZone};
use crate::error::Error;
use crate::policy::is_operator;

/// The tenants' use cases.
#[derive(Clone)]
pub struct Tenants(pub Access);

/// What a new tenant is to be.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    /// Its id; none lets us choose.
    pub id: Option<TenantId>,
    /// Its name.
    pub display_name: String,
    /// Its zone.
    pub time_zone: TimeZone,
    /// What its principals may use together.
    pub quota: Option<Quota>,
}

impl Tenants {
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
        let now = self.0.clock.now();
        let tenant = Tenant {
            id: wanted.id.unwrap_or_else(|| TenantId::new(now)),
            display_name: wanted.display_name,
            time_zone: wanted.time_zone,
            state: State::Active,
            quota: wanted.quota,
            version: 1,
            created: now,
            updated: now,
        };
        let tenant = self.0.store.create(ctx.tenant, key, &tenant).await?;
        self.0.in_force(tenant.id).await;
        Ok(tenant)
    }

    /// Reads a tenant: any for an operator, only the own one for everybody else.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`] for what is not there and for what is not the caller's, alike.
    pub async fn get(&self, ctx: &Context, id: TenantId) -> Result<Tenant, Error> {
        if !is_operator(ctx) && ctx.tenant != id {
            return Err(Error::TenantNotFound(id));
        }
        self.0.store.get(id).await
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
        let after = self.0.page_tokens.decode(page, &query)?;
        let (tenants, next) = self.0.store.list(after, most).await?;
        let next = next.map_or_else(String::new, |cursor| {
            self.0.page_tokens.encode(&query, &cursor)
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
        let now = self.0.clock.now();
        let tenant = self
            .0
            .store
            .update(ctx.tenant, key, id, etag, change, now)
            .await?;
        self.0.in_force(tenant.id).await;
        Ok(tenant)
    }
}
