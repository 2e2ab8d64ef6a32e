//! Revocations of tokens and certificates.

use rapport_foundation::context::Context;
use rapport_foundation::id::{RevocationId, TenantId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::time::Micros;

use super::{Access, Page, list_of, tenant_of};
use crate::domain::revocation::{FARTHEST_AHEAD, Revocation, Target};
use crate::error::Error;
use crate::policy::is_operator;
use crate::store::Mutation;

/// The revocations' use cases.
#[derive(Clone)]
pub struct Revocations(pub Access);

/// What is to be revoked.
#[derive(Debug, Clone)]
pub struct NewRevocation {
    /// The tenant an operator names.
    pub tenant: Option<TenantId>,
    /// What.
    pub target: Target,
    /// What was issued until this moment; None for now.
    pub before: Option<Micros>,
    /// Why.
    pub reason: String,
}

impl Revocations {
    /// Revokes.
    ///
    /// # Errors
    /// When the moment is too far ahead, or the tenant has too many revocations in force.
    pub async fn revoke(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: NewRevocation,
    ) -> Result<Revocation, Error> {
        let this = &self.0;
        let tenant = whose(ctx, wanted.tenant)?;
        let now = this.clock.now();
        let before = wanted.before.unwrap_or(now);
        if before > now + FARTHEST_AHEAD {
            return Err(Error::TooFarAhead);
        }
        let revocation = Revocation {
            id: RevocationId::new(now),
            target: wanted.target,
            before,
            reason: wanted.reason,
            created: now,
            // Counted from now for a single token: when it was issued is not known.
            expires: before.max(now) + this.longest,
        };
        let mutation = Mutation {
            caller: ctx.tenant,
            key,
            tenant,
        };
        let most = this.limits.revocations;
        let revocation = this.store.revoke(mutation, &revocation, most).await?;
        this.in_force(tenant).await;
        Ok(revocation)
    }

    /// Lists what is in force, oldest first, with the token of the next page.
    ///
    /// # Errors
    /// When the page token belongs to another query.
    pub async fn list(
        &self,
        ctx: &Context,
        named: Option<TenantId>,
        page: Page<'_>,
    ) -> Result<(Vec<Revocation>, String), Error> {
        let tenant = whose(ctx, named)?;
        let query = list_of(ctx, tenant, "ListRevocations");
        let after = self.0.after(&query, page)?;
        let now = self.0.clock.now();
        let (revocations, next) = self
            .0
            .store
            .revocations(tenant, now, after, page.most)
            .await?;
        Ok((revocations, self.0.next(&query, next)))
    }
}

/// Operators who name no tenant speak of operators outside any tenant: they are principals as well.
fn whose(ctx: &Context, named: Option<TenantId>) -> Result<TenantId, Error> {
    match named {
        None if ctx.tenant == TenantId::nil() && is_operator(ctx) => Ok(TenantId::nil()),
        named => tenant_of(ctx, named),
    }
}
