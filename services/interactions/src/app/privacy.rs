//! What becomes of numbers that must not be seen.

use rapport_foundation::context::Context;
use rapport_foundation::id::InteractionId;
use rapport_foundation::idempotency::Key;
use uuid::Uuid;

use super::App;
use crate::Error;
use crate::domain::numbers::Policy;
use crate::domain::{Numbers, SealedNumber};

/// A new policy.
#[derive(Debug, Clone)]
pub(crate) struct SetNumbers {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// The policy.
    pub(crate) numbers: Numbers,
    /// The version it replaces, when the caller says so.
    pub(crate) expected: Option<i64>,
}

impl App {
    /// The policy in force.
    pub(crate) async fn number_policy(&self, ctx: &Context) -> Result<Policy, Error> {
        let default = self.config.numbers();
        let read = self.env.db.read(ctx.tenant, async |s| {
            self.store.number_policy(&s, default).await
        });
        Ok(read.await?)
    }

    /// Replaces the policy for what is logged from now on; other replicas follow within two seconds.
    pub(crate) async fn set_number_policy(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &SetNumbers,
    ) -> Result<Policy, Error> {
        let (now, default) = (self.now(), self.config.numbers());
        let policy = self
            .env
            .db
            .write(ctx.tenant, async |s| {
                if key.claim(&s).await?.replayed()?.is_some() {
                    return Ok::<_, Error>(self.store.number_policy(&s, default).await?);
                }
                let current = self.store.number_policy_to_change(&s, default).await?;
                if wanted
                    .expected
                    .is_some_and(|expected| expected != current.version)
                {
                    return Err(Error::PolicyChanged);
                }
                let policy = self
                    .store
                    .set_number_policy(&s, wanted.numbers, current.version, now)
                    .await?;
                key.settle(&s, ctx.tenant.uuid(), policy.version).await?;
                Ok(policy)
            })
            .await?;
        self.store.remember(ctx.tenant, policy, now);
        Ok(policy)
    }

    /// The numbers that were kept of an interaction.
    pub(crate) async fn sealed_numbers(
        &self,
        ctx: &Context,
        id: InteractionId,
    ) -> Result<Vec<SealedNumber>, Error> {
        let numbers = self.store.sealed_numbers(ctx.tenant, id).await?;
        numbers.ok_or(Error::NoInteraction(id))
    }
}
