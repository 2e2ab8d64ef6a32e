//! `ResolveCustomer`: a read when nothing changes, else a place in the next batch.

use rapport_foundation::context::Context;
use rapport_foundation::telemetry;

use super::App;
use super::command::Resolve;
use crate::domain::resolve::{Ask, Hinted};
use crate::error::Error;
use crate::work::resolving::{Resolution, Resolved};

impl App {
    /// Finds the customer behind identifiers, or creates a prospect.
    ///
    /// # Errors
    /// When the store fails or too much is waiting.
    pub async fn resolve_customer(
        &self,
        ctx: &Context,
        command: Resolve,
    ) -> Result<Resolved, Error> {
        let tenant = ctx.tenant;
        let ask = Ask {
            keys: command
                .identifiers
                .iter()
                .map(|identifier| self.store.key(tenant, identifier))
                .collect(),
            // A connector's name comes from its credential, never from its message.
            source: ctx
                .connector
                .clone()
                .unwrap_or_else(|| command.source.clone()),
            set: self.store.set_of(tenant, &command.identifiers),
            offered: Hinted {
                display_name: command.display_name.is_some(),
                language: command.language.is_some(),
                time_zone: command.time_zone.is_some(),
            },
        };
        let asked = &ask;
        let directory = self
            .store
            .read(tenant, |rows| async move { Ok(rows.glance(asked).await?) })
            .await?;
        if let Some(directory) = directory {
            let decision = directory.decide(&ask);
            if !decision.changes()
                && let Some(resolved) = Resolved::found(&directory, &ask, &decision)
            {
                return Ok(resolved);
            }
        }
        let resolution = Resolution {
            tenant,
            ask,
            command,
            by: ctx.principal.clone(),
            traceparent: telemetry::current_traceparent(),
        };
        self.resolver.submit(tenant, resolution).await
    }
}
