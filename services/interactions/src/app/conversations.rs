//! Reading conversations.

use rapport_foundation::context::Context;
use rapport_foundation::id::{ConversationId, CustomerId};

use super::{App, Page};
use crate::Error;
use crate::domain::{Conversation, Place};

impl App {
    /// One conversation.
    pub(crate) async fn conversation(
        &self,
        ctx: &Context,
        id: ConversationId,
    ) -> Result<Conversation, Error> {
        self.store
            .conversation(ctx.tenant, id)
            .await?
            .ok_or(Error::NoConversation(id))
    }

    /// A page of conversations, the one with the latest contact first, and the token of the next.
    pub(crate) async fn conversations(
        &self,
        ctx: &Context,
        customer: Option<CustomerId>,
        page: &Page,
    ) -> Result<(Vec<Conversation>, String), Error> {
        let shape = customer.map(|id| id.to_string()).unwrap_or_default();
        let query = ["ListConversations", shape.as_str()];
        let behind: Option<Place> = self.behind(ctx, &query, page)?;
        let mut found = self
            .store
            .conversations(ctx.tenant, customer, behind, page.probe())
            .await?;
        if let (true, None, Some(customer)) = (found.is_empty(), behind, customer) {
            self.must_know(ctx, customer).await?;
        }
        let more = found.len() > page.size as usize;
        found.truncate(page.size as usize);
        let last = found.last().filter(|_| more).map(|(place, _)| *place);
        let token = self.token(ctx, &query, last.as_ref());
        Ok((found.into_iter().map(|(_, one)| one).collect(), token))
    }
}
