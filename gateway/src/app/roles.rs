//! Roles of a tenant, and who holds them.

use rapport_foundation::context::Context;
use rapport_foundation::id::{BindingId, RoleId, TenantId};
use rapport_foundation::idempotency::Key;

use super::{Access, Page, list_of, tenant_of};
use crate::domain::identity::Identity;
use crate::domain::role::{Binding, Change, Role};
use crate::error::Error;
use crate::store::Mutation;

/// The roles' use cases.
#[derive(Clone)]
pub struct Roles(pub Access);

/// Which role of whom, and in which version if the caller says so.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// The tenant an operator names.
    pub tenant: Option<TenantId>,
    /// The role.
    pub id: RoleId,
    /// The version it must have.
    pub etag: Option<i64>,
}

impl Roles {
    /// Makes a role.
    ///
    /// # Errors
    /// When its name is taken, the caller does not hold its scopes, or the tenant has too many.
    pub async fn create(
        &self,
        ctx: &Context,
        key: &Key,
        named: Option<TenantId>,
        (display_name, scopes): (String, Vec<String>),
    ) -> Result<Role, Error> {
        let tenant = tenant_of(ctx, named)?;
        let now = self.0.clock.now();
        let role = Role {
            id: RoleId::new(now),
            display_name,
            scopes,
            version: 1,
            created: now,
            updated: now,
        };
        self.held(ctx, &role)?;
        let most = self.0.limits.roles;
        let mutation = Self::mutation(ctx, key, tenant);
        self.0.store.create_role(mutation, &role, most).await
    }

    /// Reads a role.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`] for what is not there and for what is not the caller's, alike.
    pub async fn get(&self, ctx: &Context, which: Which) -> Result<Role, Error> {
        let tenant = tenant_of(ctx, which.tenant)?;
        self.0.store.role(tenant, which.id).await
    }

    /// Lists roles, oldest first, with the token of the next page.
    ///
    /// # Errors
    /// When the page token belongs to another query.
    pub async fn list(
        &self,
        ctx: &Context,
        named: Option<TenantId>,
        page: Page<'_>,
    ) -> Result<(Vec<Role>, String), Error> {
        let tenant = tenant_of(ctx, named)?;
        let query = list_of(ctx, tenant, "ListRoles");
        let after = self.0.after(&query, page)?;
        let (roles, next) = self.0.store.roles(tenant, after, page.most).await?;
        Ok((roles, self.0.next(&query, next)))
    }

    /// Changes a role for all who hold it.
    ///
    /// # Errors
    /// When there is no such role, its etag is stale, its name is taken, or the caller does not hold its scopes.
    pub async fn update(
        &self,
        ctx: &Context,
        key: &Key,
        which: Which,
        change: &Change,
    ) -> Result<Role, Error> {
        let tenant = tenant_of(ctx, which.tenant)?;
        let mutation = Self::mutation(ctx, key, tenant);
        let now = self.0.clock.now();
        let allowed = |role: &Role| self.held(ctx, role);
        let at = (which.id, which.etag);
        let changed = self
            .0
            .store
            .change_role(mutation, at, change, now, &allowed);
        let role = changed.await?;
        self.0.in_force(tenant).await;
        Ok(role)
    }

    /// Deletes a role, and with it that anybody holds it.
    ///
    /// # Errors
    /// When there is no such role or its etag is stale.
    pub async fn delete(&self, ctx: &Context, key: &Key, which: Which) -> Result<(), Error> {
        let tenant = tenant_of(ctx, which.tenant)?;
        let mutation = Self::mutation(ctx, key, tenant);
        self.0
            .store
            .delete_role(mutation, which.id, which.etag)
            .await?;
        self.0.in_force(tenant).await;
        Ok(())
    }

    /// Gives a role to a principal.
    ///
    /// # Errors
    /// When there is no such role, the caller does not hold its scopes, or the tenant has too many bindings.
    pub async fn bind(
        &self,
        ctx: &Context,
        key: &Key,
        which: Which,
        identity: Identity,
    ) -> Result<Binding, Error> {
        let tenant = tenant_of(ctx, which.tenant)?;
        let now = self.0.clock.now();
        let binding = Binding {
            id: BindingId::new(now),
            role: which.id,
            identity,
            created: now,
        };
        let most = self.0.limits.bindings;
        let mutation = Self::mutation(ctx, key, tenant);
        let allowed = |role: &Role| self.held(ctx, role);
        let bound = self
            .0
            .store
            .bind(mutation, &binding, most, &allowed)
            .await?;
        self.0.in_force(tenant).await;
        Ok(bound)
    }

    /// Takes a role from a principal.
    ///
    /// # Errors
    /// When there is no such binding.
    pub async fn unbind(
        &self,
        ctx: &Context,
        key: &Key,
        named: Option<TenantId>,
        id: BindingId,
    ) -> Result<(), Error> {
        let tenant = tenant_of(ctx, named)?;
        self.0
            .store
            .unbind(Self::mutation(ctx, key, tenant), id)
            .await?;
        self.0.in_force(tenant).await;
        Ok(())
    }

    /// Lists who holds which role, oldest first, with the token of the next page.
    ///
    /// # Errors
    /// When the page token belongs to another query.
    pub async fn bindings(
        &self,
        ctx: &Context,
        named: Option<TenantId>,
        page: Page<'_>,
    ) -> Result<(Vec<Binding>, String), Error> {
        let tenant = tenant_of(ctx, named)?;
        let query = list_of(ctx, tenant, "ListBindings");
        let after = self.0.after(&query, page)?;
        let (bindings, next) = self.0.store.bindings(tenant, after, page.most).await?;
        Ok((bindings, self.0.next(&query, next)))
    }

    fn held(&self, ctx: &Context, role: &Role) -> Result<(), Error> {
        self.0.authority.check(ctx, &role.scopes, [])
    }

    fn mutation<'a>(ctx: &Context, key: &'a Key, tenant: TenantId) -> Mutation<'a> {
        Mutation {
            caller: ctx.tenant,
            key,
            tenant,
        }
    }
}
