//! Logging one contact.

use std::sync::Arc;

use rapport_foundation::context::Context;
use rapport_foundation::id::InteractionId;

use super::{App, connector};
use crate::Error;
use crate::domain::{Contact, Interaction, Link, State, content};
use crate::store::{Outcome, Telling};

impl App {
    /// Logs a contact once and answers when it is durable, with whether it had been logged before.
    pub(crate) async fn record(
        &self,
        ctx: &Context,
        contact: Contact,
        bytes: usize,
    ) -> Result<(Interaction, bool), Error> {
        let connector = connector(ctx)?;
        // Calls are refused where streams wait: nothing holds back whoever calls.
        let _held = self.recorder.room().take_at_once(bytes)?;
        let numbers = self.recorder.numbers(ctx.tenant).await?;
        let telling = self
            .recorder
            .telling(ctx.tenant, connector, contact, numbers);
        let telling = Arc::new(telling);
        match self.recorder.record(Arc::clone(&telling)).await? {
            Outcome::Fresh(logged) => {
                let interaction = Interaction {
                    id: telling.id,
                    connector: telling.connector.clone(),
                    contact: telling.contact.clone(),
                    conversation: logged.conversation,
                    conversation_position: logged.conversation_position,
                    link: Link::Pending,
                    asks_for_agent: logged.intake.asks_for_agent,
                    received_at: telling.received_at,
                    end: None,
                    state: State::default(),
                    outbound: None,
                    position: 0,
                };
                Ok((interaction, false))
            }
            Outcome::Duplicate(first) => {
                let found = self.store.interaction(ctx.tenant, first).await?;
                Ok((found.ok_or(Error::NoInteraction(first))?, true))
            }
            Outcome::Conflict(first) => Err(self.conflict(&telling, first).await),
            Outcome::NamesNoMedia(id) => Err(Error::NamesNoMedia(id)),
        }
    }

    /// That a key is taken, and in what the contents differ.
    pub(super) async fn conflict(&self, telling: &Telling, first: InteractionId) -> Error {
        match self.store.interaction(telling.tenant, first).await {
            Ok(Some(held)) => {
                let differ = content::differences(&held.contact, &telling.contact);
                Error::ExternalIdReused(first, differ)
            }
            Ok(None) => Error::NoInteraction(first),
            Err(error) => error.into(),
        }
    }
}
