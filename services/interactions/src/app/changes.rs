//! Which interactions are one matter: what people say, and take back.

use rapport_foundation::context::Context;
use rapport_foundation::events;
use rapport_foundation::id::{ConversationChangeId, ConversationId, InteractionId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;
use uuid::Uuid;

use super::{App, Page, facts};
use crate::Error;
use crate::domain::{Basis, Conversation, MatterChange};
use crate::store::{Making, Merged, Splitting, Undoing};

/// What is to become of a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Redrawing<T> {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// The conversation.
    pub(crate) conversation: ConversationId,
    /// What else it takes.
    pub(crate) with: T,
    /// Why.
    pub(crate) reason: Personal,
}

impl<T> Redrawing<T> {
    fn making(&self, ctx: &Context, app: &App) -> Making {
        Making {
            actor: ctx.originator().to_owned(),
            reason: self.reason.clone(),
            at: app.now(),
        }
    }
}

/// What became of it: the change, unless there was nothing to change, and the conversation to be shown.
struct Redrawn {
    change: Option<MatterChange>,
    shown: ConversationId,
}

impl App {
    /// Makes two conversations one.
    pub(crate) async fn merge_conversations(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &Redrawing<ConversationId>,
    ) -> Result<(Conversation, Option<MatterChange>), Error> {
        self.conversation(ctx, wanted.conversation).await?;
        self.conversation(ctx, wanted.with).await?;
        let making = wanted.making(ctx, self);
        let redrawn: Result<Redrawn, Error> = self
            .env
            .db
            .write(ctx.tenant, async |s| {
                if let Some((change, _)) = key.claim(&s).await?.replayed()? {
                    return self.replayed(&s, change, wanted.conversation).await;
                }
                let pair = (wanted.with, wanted.conversation);
                let merged = self
                    .store
                    .merge_conversations(&s, pair, Basis::ByHand, &making)
                    .await?;
                let change = match merged {
                    Merged::Already => None,
                    Merged::TooMany => return Err(Error::TooManyMerged),
                    Merged::Done(change) => Some(change),
                };
                if let Some(change) = &change {
                    events::append(&s, &facts::merged(change)).await?;
                }
                let id = change
                    .as_ref()
                    .map_or(Uuid::nil(), |change| change.id.uuid());
                key.settle(&s, id, 0).await?;
                Ok(Redrawn {
                    change,
                    shown: wanted.conversation,
                })
            })
            .await;
        let redrawn = redrawn?;
        let shown = self.conversation(ctx, redrawn.shown).await?;
        Ok((shown, redrawn.change))
    }

    /// Takes interactions out of a conversation into a new one.
    pub(crate) async fn split_conversation(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &Redrawing<Vec<InteractionId>>,
    ) -> Result<(Conversation, Option<MatterChange>), Error> {
        self.conversation(ctx, wanted.conversation).await?;
        let making = wanted.making(ctx, self);
        let redrawn: Result<Redrawn, Error> = self
            .env
            .db
            .write(ctx.tenant, async |s| {
                if let Some((change, _)) = key.claim(&s).await?.replayed()? {
                    return self.replayed(&s, change, wanted.conversation).await;
                }
                let split = self
                    .store
                    .split_conversation(&s, wanted.conversation, &wanted.with, &making)
                    .await?;
                let change = match split {
                    Splitting::NoInteraction(id) => return Err(Error::NoInteraction(id)),
                    Splitting::Elsewhere(id) => return Err(Error::InOtherConversation(id)),
                    Splitting::Everything => return Err(Error::NothingLeft),
                    Splitting::Done(change) => change,
                };
                events::append(&s, &facts::split(&change)).await?;
                key.settle(&s, change.id.uuid(), 0).await?;
                Ok(Redrawn {
                    shown: change.other,
                    change: Some(change),
                })
            })
            .await;
        let redrawn = redrawn?;
        let shown = redrawn
            .change
            .as_ref()
            .map_or(redrawn.shown, |change| change.other);
        Ok((self.conversation(ctx, shown).await?, redrawn.change))
    }

    /// Takes a merge or a split back.
    pub(crate) async fn undo_conversation_change(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &Redrawing<ConversationChangeId>,
    ) -> Result<(Conversation, Option<MatterChange>), Error> {
        self.conversation(ctx, wanted.conversation).await?;
        let making = wanted.making(ctx, self);
        let redrawn: Result<Redrawn, Error> = self
            .env
            .db
            .write(ctx.tenant, async |s| {
                if let Some((change, _)) = key.claim(&s).await?.replayed()? {
                    return self.replayed(&s, change, wanted.conversation).await;
                }
                let undone = self
                    .store
                    .undo_change(&s, wanted.conversation, wanted.with, &making)
                    .await?;
                let change = match undone {
                    Undoing::NoChange => return Err(Error::NoChange(wanted.with)),
                    Undoing::Already => return Err(Error::AlreadyUndone),
                    Undoing::Done(change) => change,
                };
                events::append(&s, &facts::undone(&change, making.at)).await?;
                key.settle(&s, change.id.uuid(), 0).await?;
                Ok(Redrawn {
                    shown: change.conversation,
                    change: Some(change),
                })
            })
            .await;
        let redrawn = redrawn?;
        let stayed = redrawn.change.as_ref().map(|change| change.conversation);
        let shown = self
            .conversation(ctx, stayed.unwrap_or(redrawn.shown))
            .await?;
        Ok((shown, redrawn.change))
    }

    /// What a repetition is answered with: the change as it is now.
    async fn replayed(
        &self,
        s: &rapport_foundation::db::Scoped,
        change: Uuid,
        shown: ConversationId,
    ) -> Result<Redrawn, Error> {
        Ok(Redrawn {
            change: self.store.conversation_change(s, change).await?,
            shown,
        })
    }

    /// A page of the changes of a conversation, the latest first, and the token of the next.
    pub(crate) async fn conversation_changes(
        &self,
        ctx: &Context,
        id: ConversationId,
        page: &Page,
    ) -> Result<(Vec<MatterChange>, String), Error> {
        let shape = id.to_string();
        let query = ["ListConversationChanges", shape.as_str()];
        let behind: Option<i64> = self.behind(ctx, &query, page)?;
        self.conversation(ctx, id).await?;
        let mut found = self
            .store
            .conversation_changes(ctx.tenant, id, behind.unwrap_or(i64::MAX), page.probe())
            .await?;
        let more = found.len() > page.size as usize;
        found.truncate(page.size as usize);
        let last = found.last().filter(|_| more).map(|change| change.number);
        let token = self.token(ctx, &query, last.as_ref());
        Ok((found, token))
    }
}
