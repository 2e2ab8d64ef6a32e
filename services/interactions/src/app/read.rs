//! Reading interactions.

use std::collections::HashMap;

use rapport_foundation::context::Context;
use rapport_foundation::id::{InteractionId, TenantId};

use super::pages::fitting;
use super::{App, Filter, Page};
use crate::Error;
use crate::domain::Interaction;

impl App {
    /// One interaction.
    pub(crate) async fn interaction(
        &self,
        ctx: &Context,
        id: InteractionId,
    ) -> Result<Interaction, Error> {
        self.store
            .interaction(ctx.tenant, id)
            .await?
            .ok_or(Error::NoInteraction(id))
    }

    /// A page of interactions that fit, newest event first, and the token of the next.
    pub(crate) async fn interactions(
        &self,
        ctx: &Context,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Interaction>, String), Error> {
        let shape = format!("{filter:?}");
        let query = ["ListInteractions", shape.as_str()];
        let behind = self.behind(ctx, &query, page)?;
        let mut found = self
            .store
            .find_places(ctx.tenant, filter, behind, page.probe())
            .await?;
        if found.is_empty() && behind.is_none() {
            self.must_be_there(ctx, filter).await?;
        }
        let shown = fitting(
            found.iter().map(|row| row.bytes),
            page.size,
            self.config.page_bytes,
        );
        let more = found.len() > shown;
        found.truncate(shown);
        let token = self.token(
            ctx,
            &query,
            found.last().filter(|_| more).map(|row| &row.place),
        );
        let ids: Vec<InteractionId> = found
            .iter()
            .map(|row| InteractionId::from_uuid(row.place.id))
            .collect();
        let mut listed = self.in_order(ctx.tenant, &ids).await?;
        if let Some(conversation) = filter.conversation {
            let positions = self.store.positions(ctx.tenant, conversation, &ids).await?;
            for one in &mut listed {
                one.position = positions.get(&one.id).copied().unwrap_or_default();
            }
        }
        Ok((listed, token))
    }

    /// Interactions in the order of their ids as given.
    pub(super) async fn in_order(
        &self,
        tenant: TenantId,
        ids: &[InteractionId],
    ) -> Result<Vec<Interaction>, Error> {
        let loaded = self.store.interactions(tenant, ids).await?;
        let mut loaded: HashMap<InteractionId, Interaction> =
            loaded.into_iter().map(|one| (one.id, one)).collect();
        Ok(ids.iter().filter_map(|id| loaded.remove(id)).collect())
    }

    /// Nothing of a customer or a conversation is an empty list; nothing of what does not exist is not found.
    async fn must_be_there(&self, ctx: &Context, filter: &Filter) -> Result<(), Error> {
        if let Some(customer) = filter.customer {
            self.must_know(ctx, customer).await?;
        }
        if let Some(conversation) = filter.conversation {
            self.conversation(ctx, conversation).await?;
        }
        Ok(())
    }
}
