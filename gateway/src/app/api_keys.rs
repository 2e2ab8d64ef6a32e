//! API keys of a tenant.

use std::time::Duration;

use aws_lc_rs::rand;
use rapport_foundation::context::Context;
use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::time::Micros;

use super::{Access, Page, list_of, tenant_of};
use crate::domain::api_key::{self, ApiKey, Change, Holder, Rights};
use crate::domain::key_text::{self, PREFIX_BYTES, SECRET_BYTES};
use crate::error::Error;
use crate::store::{Decide, Mutation};

/// The API keys' use cases.
#[derive(Clone)]
pub struct ApiKeys(pub Access);

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for.
    pub display_name: String,
    /// What presents it.
    pub holder: Holder,
    /// What it lets its holder do.
    pub rights: Rights,
    /// When it ends; None for as late as it may.
    pub expires: Option<Micros>,
}

/// A key, and its text if this very call made it.
#[derive(Debug, Clone)]
pub struct Made {
    /// The key.
    pub key: ApiKey,
    /// Its text; empty in the answer to a repeated call, because nobody has it any more.
    pub text: String,
}

/// Which key of whom, and in which version if the caller says so.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// The tenant an operator names.
    pub tenant: Option<TenantId>,
    /// The key.
    pub id: ApiKeyId,
    /// The version it must have.
    pub etag: Option<i64>,
}

impl ApiKeys {
    /// Makes a key.
    ///
    /// # Errors
    /// When the caller does not hold what it would give, the end is over or too far ahead, the tenant has too many, or the
    /// request id was used before.
    pub async fn create(
        &self,
        ctx: &Context,
        key: &Key,
        named: Option<TenantId>,
        wanted: NewKey,
    ) -> Result<Made, Error> {
        let this = &self.0;
        let tenant = tenant_of(ctx, named)?;
        this.authority
            .check(ctx, &wanted.rights.scopes, &wanted.rights.roles)?;
        let now = this.clock.now();
        let expires = api_key::end(wanted.expires, this.limits.longest_key(), now);
        let expires = expires.map_err(|fault| Error::KeyEnd("expire_time", fault))?;
        let prefix = key_text::prefix(&random::<PREFIX_BYTES>()?);
        let text = key_text::compose(&prefix, &random::<SECRET_BYTES>()?);
        let new = ApiKey {
            id: ApiKeyId::new(now),
            tenant,
            display_name: wanted.display_name,
            prefix,
            hash: key_text::hash(&text),
            former: None,
            holder: wanted.holder,
            rights: wanted.rights,
            expires,
            revoked: None,
            last_used: None,
            version: 1,
            created: now,
            updated: now,
        };
        let mutation = mutation(ctx, key, tenant);
        let made = this
            .store
            .create_key(mutation, &new, this.limits.api_keys)
            .await?;
        this.in_force(tenant).await;
        Ok(told(made, text))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`Error::KeyNotFound`] for what is not there and for what is not the caller's, alike.
    pub async fn get(&self, ctx: &Context, which: Which) -> Result<ApiKey, Error> {
        let tenant = tenant_of(ctx, which.tenant)?;
        self.0.store.key(tenant, which.id).await
    }

    /// Lists keys, oldest first, with the token of the next page.
    ///
    /// # Errors
    /// When the page token belongs to another query.
    pub async fn list(
        &self,
        ctx: &Context,
        named: Option<TenantId>,
        page: Page<'_>,
    ) -> Result<(Vec<ApiKey>, String), Error> {
        let tenant = tenant_of(ctx, named)?;
        let query = list_of(ctx, tenant, "ListApiKeys");
        let after = self.0.after(&query, page)?;
        let (keys, next) = self.0.store.keys(tenant, after, page.most).await?;
        Ok((keys, self.0.next(&query, next)))
    }

    /// Changes a key.
    ///
    /// # Errors
    /// When there is no such key, it is revoked, its etag is stale, its new end is over or too far ahead, the caller does not
    /// hold what it grants afterwards, or it would come to life again as one too many.
    pub async fn update(
        &self,
        ctx: &Context,
        key: &Key,
        which: Which,
        change: &Change,
    ) -> Result<ApiKey, Error> {
        let now = self.0.clock.now();
        let end = |wanted| {
            api_key::end(wanted, self.0.limits.longest_key(), now)
                .map_err(|fault| Error::KeyEnd("api_key.expire_time", fault))
        };
        let decide = |before: ApiKey, given: &[String]| {
            let change = Change {
                expires: change.expires.map(end).transpose()?,
                ..change.clone()
            };
            self.renewable(ctx, before.changed(change, now), given)
        };
        Ok(self.change(ctx, key, which, &decide).await?.0)
    }

    /// Gives a key a new secret.
    ///
    /// # Errors
    /// When there is no such key, it is revoked, its etag is stale, or the caller does not hold what it grants: whoever gets
    /// a secret gets what it opens.
    pub async fn rotate(
        &self,
        ctx: &Context,
        key: &Key,
        which: Which,
        overlap: Duration,
    ) -> Result<Made, Error> {
        let (now, longest) = (self.0.clock.now(), self.0.limits.longest_key());
        let secret = random::<SECRET_BYTES>()?;
        let decide = |before: ApiKey, given: &[String]| {
            let before = self.renewable(ctx, before, given)?;
            let text = key_text::compose(&before.prefix, &secret);
            Ok(before.rotated(key_text::hash(&text), overlap, longest, now))
        };
        let changed = self.change(ctx, key, which, &decide).await?;
        let text = key_text::compose(&changed.0.prefix, &secret);
        Ok(told(changed, text))
    }

    /// Ends a key for ever.
    ///
    /// # Errors
    /// When there is no such key.
    pub async fn revoke(&self, ctx: &Context, key: &Key, which: Which) -> Result<ApiKey, Error> {
        let now = self.0.clock.now();
        let decide = |before: ApiKey, _: &[String]| Ok(before.ended(now));
        Ok(self.change(ctx, key, which, &decide).await?.0)
    }

    async fn change(
        &self,
        ctx: &Context,
        key: &Key,
        which: Which,
        decide: Decide<'_>,
    ) -> Result<(ApiKey, bool), Error> {
        let tenant = tenant_of(ctx, which.tenant)?;
        let mutation = mutation(ctx, key, tenant);
        let changed = self.0.store.change_key(
            mutation,
            which.id,
            which.etag,
            self.0.limits.api_keys,
            decide,
        );
        let changed = changed.await?;
        self.0.in_force(tenant).await;
        Ok(changed)
    }

    /// The key, if it is not revoked and the caller holds all that it grants.
    fn renewable(&self, ctx: &Context, key: ApiKey, given: &[String]) -> Result<ApiKey, Error> {
        if key.revoked.is_some() {
            return Err(Error::KeyRevoked(key.id));
        }
        let scopes = key.rights.scopes.iter().chain(given);
        self.0.authority.check(ctx, scopes, &key.rights.roles)?;
        Ok(key)
    }
}

fn mutation<'a>(ctx: &Context, key: &'a Key, tenant: TenantId) -> Mutation<'a> {
    Mutation {
        caller: ctx.tenant,
        key,
        tenant,
    }
}

fn told((key, fresh): (ApiKey, bool), text: String) -> Made {
    let text = if fresh { text } else { String::new() };
    Made { key, text }
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}
