//! How long contacts are kept.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use uuid::Uuid;

use super::App;
use crate::Error;
use crate::domain::retention::{RetentionRule, RetentionRules};

/// New rules.
#[derive(Debug, Clone)]
pub(crate) struct SetRetention {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// The rules.
    pub(crate) rules: Vec<RetentionRule>,
    /// The version they replace, when the caller says so.
    pub(crate) expected: Option<i64>,
}

impl App {
    /// The rules; none of a tenant that never set any.
    pub(crate) async fn retention_rules(&self, ctx: &Context) -> Result<RetentionRules, Error> {
        let read = self
            .env
            .db
            .read(ctx.tenant, async |s| self.store.retention_rules(&s).await);
        Ok(read.await?)
    }

    /// Replaces the rules. The next sweep goes by them.
    pub(crate) async fn set_retention_rules(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &SetRetention,
    ) -> Result<RetentionRules, Error> {
        let now = self.now();
        self.env
            .db
            .write(ctx.tenant, async |s| {
                if key.claim(&s).await?.replayed()?.is_some() {
                    return Ok(self.store.retention_rules(&s).await?);
                }
                let current = self.store.retention_rules_to_change(&s).await?;
                if wanted
                    .expected
                    .is_some_and(|expected| expected != current.version)
                {
                    return Err(Error::RulesChanged);
                }
                let rules = self
                    .store
                    .set_retention_rules(&s, &wanted.rules, current.version, now)
                    .await?;
                key.settle(&s, ctx.tenant.uuid(), rules.version).await?;
                Ok(rules)
            })
            .await
    }
}
