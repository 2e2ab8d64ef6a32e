//! The rules of what asks for an agent.

use std::sync::Arc;

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use uuid::Uuid;

use super::App;
use crate::Error;
use crate::domain::{Rule, Rules};

/// New rules.
#[derive(Debug, Clone)]
pub(crate) struct SetRules {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// The rules.
    pub(crate) rules: Vec<Rule>,
    /// The version they replace, when the caller says so.
    pub(crate) expected: Option<i64>,
}

impl App {
    /// The rules; none of a tenant that never set any.
    pub(crate) async fn rules(&self, ctx: &Context) -> Result<Arc<Rules>, Error> {
        Ok(self
            .env
            .db
            .read(ctx.tenant, async |s| self.store.rules(&s).await)
            .await?)
    }

    /// Replaces the rules for contacts logged from now on.
    pub(crate) async fn set_rules(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &SetRules,
    ) -> Result<Arc<Rules>, Error> {
        let now = self.now();
        self.env
            .db
            .write(ctx.tenant, async |s| {
                if key.claim(&s).await?.replayed()?.is_some() {
                    return Ok(self.store.rules(&s).await?);
                }
                let current = self.store.rules_to_change(&s).await?;
                if wanted
                    .expected
                    .is_some_and(|expected| expected != current.version)
                {
                    return Err(Error::RulesChanged);
                }
                let rules = self
                    .store
                    .set_rules(&s, &wanted.rules, current.version, now)
                    .await?;
                key.settle(&s, ctx.tenant.uuid(), rules.version).await?;
                Ok(Arc::new(rules))
            })
            .await
    }
}
