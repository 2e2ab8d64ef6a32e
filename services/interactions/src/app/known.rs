//! What became known of a contact later.

use std::sync::Arc;

use rapport_foundation::context::Context;
use rapport_foundation::id::{InteractionId, TenantId};

use super::{App, Page, connector};
use crate::Error;
use crate::domain::ending::Refused;
use crate::domain::fact::Logged;
use crate::domain::{Fact, FactKind, Interaction, Numbers};
use crate::store::{FactOutcome, FactPlace};

impl App {
    /// Logs a fact once and answers when it is durable: the interaction, when it is here, and whether the fact had been
    /// logged before.
    pub(crate) async fn record_fact(
        &self,
        ctx: &Context,
        fact: Fact,
        bytes: usize,
    ) -> Result<(Option<InteractionId>, bool), Error> {
        let _held = self.recorder.room().take_at_once(bytes)?;
        let connector = connector(ctx)?;
        let numbers = self.recorder.numbers(ctx.tenant).await?;
        self.log_fact(ctx.tenant, connector, fact, numbers).await
    }

    /// Notes how a contact ended; repeating it has no further effect. No interaction while the contact is not here.
    pub(crate) async fn end_contact(
        &self,
        ctx: &Context,
        fact: Fact,
    ) -> Result<Option<Interaction>, Error> {
        // An end has no size worth counting.
        match self.record_fact(ctx, fact, 0).await? {
            (Some(id), _) => self.interaction(ctx, id).await.map(Some),
            (None, _) => Ok(None),
        }
    }

    pub(super) async fn log_fact(
        &self,
        tenant: TenantId,
        connector: &str,
        fact: Fact,
        numbers: Numbers,
    ) -> Result<(Option<InteractionId>, bool), Error> {
        let ends = fact.what.kind() == FactKind::End;
        let telling = Arc::new(self.recorder.fact(tenant, connector, fact, numbers));
        match self.recorder.know(telling).await? {
            FactOutcome::Fresh(interaction) => Ok((interaction, false)),
            FactOutcome::Duplicate(interaction) => Ok((interaction, true)),
            FactOutcome::Conflict if ends => Err(Error::EndedOtherwise),
            FactOutcome::Conflict => Err(Error::FactKeyReused),
            FactOutcome::Refused(refused) => Err(refused.into()),
            FactOutcome::Full => Err(Error::TooManyFacts),
            FactOutcome::NamesNoMedia(id) => Err(Error::NamesNoMedia(id)),
        }
    }

    /// A page of the facts of an interaction, oldest first, and the token of the next.
    pub(crate) async fn facts(
        &self,
        ctx: &Context,
        id: InteractionId,
        page: &Page,
    ) -> Result<(Vec<Logged>, String), Error> {
        let shape = id.to_string();
        let query = ["ListFacts", shape.as_str()];
        let behind: Option<FactPlace> = self.behind(ctx, &query, page)?;
        let about = self.interaction(ctx, id).await?;
        let contact = (about.connector.as_str(), about.contact.external_id.as_str());
        let (found, more) = self
            .store
            .facts(
                ctx.tenant,
                contact,
                behind,
                page.size,
                self.config.page_bytes,
            )
            .await?;
        let last = found.last().filter(|_| more).map(|last| FactPlace {
            at: last.fact.event_at,
            key: last.fact.key.clone(),
        });
        let token = self.token(ctx, &query, last.as_ref());
        Ok((found, token))
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
