use rapport_foundation::context::Context;
use rapport_foundation::id::SlaPolicyId;
use rapport_foundation::idempotency::Key;

use super::command::{Command, NewPolicy};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::Code;
use crate::domain::sla::{Policy, PolicyChange, Redating};

/// A policy, what it does to open tickets, and whether there are more of them than were looked at.
pub(crate) type Redated = (Policy, Redating, bool);

impl App {
    /// Without a key it is only told what would become of it.
    pub(crate) async fn create_policy(
        &self,
        ctx: &Context,
        key: Option<Key>,
        new: NewPolicy,
    ) -> Result<Redated, Error> {
        let (store, tenant, now) = (self.store(), ctx.tenant, self.now());
        let command = Command::CreatePolicy {
            new: new.clone(),
            only_validate: key.is_none(),
        };
        let does = key.is_some();
        let done = self.shell().submit(tenant, key, command).await?;
        let id = SlaPolicyId::from_uuid(done.id);
        let mut after = store.book(tenant).await?;
        let mut before = after.clone();
        before.policies.remove(&id);
        let policy = if does {
            found(after.policies.get(&id).cloned(), "SLA policy", id)?
        } else {
            let policy = after.new_policy(id, new.code, new.settings, now)?;
            after.policies.insert(id, policy.clone());
            policy
        };
        let (redating, partial) = self.redating(tenant, &before, &after).await?;
        Ok((policy, redating, partial))
    }

    pub(crate) async fn get_policy(&self, ctx: &Context, id: SlaPolicyId) -> Result<Policy, Error> {
        found(self.store().policy(ctx.tenant, id).await?, "SLA policy", id)
    }

    pub(crate) async fn list_policies(
        &self,
        ctx: &Context,
        code: Option<Code>,
        paging: &Paging,
    ) -> Result<Listed<Policy>, Error> {
        let listing = self.listing(ctx, &["ListSlaPolicies", &part(code.as_ref())], paging)?;
        let store = self.store();
        let page = store.policies(ctx.tenant, code.as_ref(), listing.after, listing.size);
        Ok(listing.listed(page.await?))
    }

    /// Without a key it is only told what would become of it.
    pub(crate) async fn update_policy(
        &self,
        ctx: &Context,
        key: Option<Key>,
        id: SlaPolicyId,
        change: PolicyChange,
        etag: Option<i64>,
    ) -> Result<Redated, Error> {
        let (store, tenant, now) = (self.store(), ctx.tenant, self.now());
        let command = Command::ChangePolicy {
            id,
            change: change.clone(),
            etag,
            only_validate: key.is_none(),
        };
        let does = key.is_some();
        let done = self.shell().submit(tenant, key, command).await?;
        let mut after = store.book(tenant).await?;
        let mut before = after.clone();
        let policy = if does {
            found(after.policies.get(&id).cloned(), "SLA policy", id)?
        } else {
            let policy = after.changed_policy(id, change, now)?;
            after.policies.insert(id, policy.clone());
            policy
        };
        // A repetition is told what the change did, as tickets stand now.
        let earlier = store.policy_at(tenant, id, done.version - 1).await?;
        if let (Some(promise), Some(known)) = (earlier, before.policies.get_mut(&id)) {
            known.promise = promise;
        }
        let (redating, partial) = self.redating(tenant, &before, &after).await?;
        Ok((policy, redating, partial))
    }
}
