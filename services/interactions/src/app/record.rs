//! Logging one contact.

use std::sync::Arc;

use rapport_foundation::context::Context;

use super::{App, connector};
use crate::Error;
use crate::domain::{Contact, Interaction, Link, State};
use crate::store::Outcome;

impl App {
    /// Logs a contact once and answers when it is durable, with whether it had been logged before.
    pub(crate) async fn record(
        &self,
        ctx: &Context,
        contact: Contact,
    ) -> Result<(Interaction, bool), Error> {
        let telling = Arc::new(self.recorder.telling(ctx.tenant, connector(ctx)?, contact));
        match self.recorder.record(Arc::clone(&telling)).await? {
            Outcome::Fresh(logged) => {
                let interaction = Interaction {
                    id: telling.id,
                    connector: telling.connector.clone(),
                    contact: telling.contact.clone(),
                    conversation: logged.conversation,
                    link: Link::Pending,
                    asks_for_agent: logged.intake.asks_for_agent,
                    received_at: telling.received_at,
                    end: None,
                    state: State::default(),
                };
                Ok((interaction, false))
            }
            Outcome::Duplicate(first) => {
                let found = self.store.interaction(ctx.tenant, first).await?;
                Ok((found.ok_or(Error::NoInteraction(first))?, true))
            }
            Outcome::Conflict(first) => Err(Error::ExternalIdReused(first)),
        }
    }
}
