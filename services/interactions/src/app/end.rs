//! Ending a live contact.

use rapport_foundation::context::Context;
use rapport_foundation::events;

use super::{App, connector, facts};
use crate::Error;
use crate::domain::ending::{self, Ending, Refused};
use crate::domain::{End, Interaction};
use crate::store::Find;

impl App {
    /// Notes how a contact ended; repeating it has no further effect.
    pub(crate) async fn end_contact(
        &self,
        ctx: &Context,
        external_id: &str,
        end: End,
    ) -> Result<Interaction, Error> {
        let connector = connector(ctx)?;
        let now = self.now();
        self.env
            .db
            .write(ctx.tenant, async |s| {
                let found = self
                    .store
                    .find_interaction(&s, Find::Key(connector, external_id))
                    .await?;
                let interaction = found.ok_or(Error::NoContact)?;
                let contact = &interaction.contact;
                match ending::end(contact.kind, contact.event_at, interaction.end, end)? {
                    Ending::Known => Ok(interaction),
                    Ending::New => {
                        self.store.end(&s, interaction.id, end, now).await?;
                        events::append(
                            &s,
                            &facts::ended(interaction.id, interaction.conversation, end, now),
                        )
                        .await?;
                        Ok(Interaction {
                            end: Some(end),
                            ..interaction
                        })
                    }
                }
            })
            .await
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotLive => Self::NotLive,
            Refused::EndedOtherwise => Self::EndedOtherwise,
            Refused::BeforeStart => Self::EndBeforeStart,
        }
    }
}
