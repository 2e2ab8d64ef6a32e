//! Orders to keep.

use rapport_foundation::context::Context;
use rapport_foundation::id::LegalHoldId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;
use uuid::Uuid;

use super::{App, Page};
use crate::Error;
use crate::domain::retention::{LegalHold, Over};

/// A hold to be placed.
#[derive(Debug, Clone)]
pub(crate) struct PlaceHold {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// What must be kept.
    pub(crate) over: Over,
    /// Why.
    pub(crate) reason: Personal,
}

/// A hold to be ended.
#[derive(Debug, Clone)]
pub(crate) struct ReleaseHold {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// The hold.
    pub(crate) id: LegalHoldId,
    /// Why.
    pub(crate) reason: Personal,
}

impl App {
    /// Places a hold. What is over a customer or a conversation must be there.
    pub(crate) async fn place_hold(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &PlaceHold,
    ) -> Result<LegalHold, Error> {
        match wanted.over {
            Over::Everything => {}
            Over::Customer(customer) => self.must_know(ctx, customer).await?,
            Over::Conversation(conversation) => {
                self.conversation(ctx, conversation).await?;
            }
        }
        let now = self.now();
        let hold = LegalHold {
            id: LegalHoldId::new(now),
            over: wanted.over,
            reason: wanted.reason.clone(),
            placed_at: now,
            released: None,
        };
        self.env
            .db
            .write(ctx.tenant, async |s| {
                if let Some((id, _)) = key.claim(&s).await?.replayed()? {
                    let id = LegalHoldId::from_uuid(id);
                    return self.store.hold(&s, id).await?.ok_or(Error::NoHold(id));
                }
                self.store.place_hold(&s, &hold).await?;
                key.settle(&s, hold.id.uuid(), 1).await?;
                Ok(hold.clone())
            })
            .await
    }

    /// Ends a hold; one that has ended stays as it is.
    pub(crate) async fn release_hold(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &ReleaseHold,
    ) -> Result<LegalHold, Error> {
        let now = self.now();
        self.env
            .db
            .write(ctx.tenant, async |s| {
                let fresh = key.claim(&s).await?.replayed()?.is_none();
                if self.store.hold(&s, wanted.id).await?.is_none() {
                    return Err(Error::NoHold(wanted.id));
                }
                if fresh {
                    self.store
                        .release_hold(&s, wanted.id, &wanted.reason, now)
                        .await?;
                    key.settle(&s, wanted.id.uuid(), 1).await?;
                }
                let released = self.store.hold(&s, wanted.id).await?;
                released.ok_or(Error::NoHold(wanted.id))
            })
            .await
    }

    /// A page of holds, newest first, and the token of the next.
    pub(crate) async fn holds(
        &self,
        ctx: &Context,
        standing: bool,
        page: &Page,
    ) -> Result<(Vec<LegalHold>, String), Error> {
        let query = ["ListLegalHolds", if standing { "standing" } else { "" }];
        let before: Option<Uuid> = self.behind(ctx, &query, page)?;
        let mut found = self
            .store
            .holds(ctx.tenant, standing, before, page.probe())
            .await?;
        let more = found.len() > page.size as usize;
        found.truncate(page.size as usize);
        let last = found.last().filter(|_| more).map(|last| last.id.uuid());
        let token = self.token(ctx, &query, last.as_ref());
        Ok((found, token))
    }
}
