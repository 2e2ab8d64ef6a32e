//! The rules on which contacts are one matter.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use uuid::Uuid;

use super::App;
use crate::Error;
use crate::domain::ThreadingRules;

/// New rules.
#[derive(Debug, Clone)]
pub(crate) struct SetThreading {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// The rules, of no version.
    pub(crate) rules: ThreadingRules,
    /// The version they replace, when the caller says so.
    pub(crate) expected: Option<i64>,
}

impl App {
    /// The rules; none of a tenant that never set any.
    pub(crate) async fn threading_rules(&self, ctx: &Context) -> Result<ThreadingRules, Error> {
        let rules = self
            .env
            .db
            .read(ctx.tenant, async |s| self.store.threading_rules(&s).await);
        Ok(rules.await?)
    }

    /// Replaces the rules for contacts that are linked from now on.
    pub(crate) async fn set_threading_rules(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &SetThreading,
    ) -> Result<ThreadingRules, Error> {
        let now = self.now();
        self.env
            .db
            .write(ctx.tenant, async |s| {
                if key.claim(&s).await?.replayed()?.is_some() {
                    return Ok(self.store.threading_rules(&s).await?);
                }
                let current = self.store.threading_rules_to_change(&s).await?;
                if (wanted.expected).is_some_and(|expected| expected != current.version) {
                    return Err(Error::RulesChanged);
                }
                let rules = ThreadingRules {
                    version: current.version,
                    ..wanted.rules.clone()
                };
                let rules = self.store.set_threading_rules(&s, rules, now).await?;
                key.settle(&s, ctx.tenant.uuid(), rules.version).await?;
                Ok(rules)
            })
            .await
    }
}
