//! Files of contacts: uploads that go on where they were cut, on any replica.

use std::sync::Arc;

use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::MediaId;
use rapport_foundation::idempotency::Key;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::App;
use crate::Error;
use crate::clients::Objects;
use crate::domain::media::{About, Unfinished};
use crate::domain::{Media, Stage, privacy};
use crate::store::{Begun, Kept};

mod appending;
mod reading;

pub(crate) use reading::Chunk;

/// A new upload.
#[derive(Debug, Clone)]
pub(crate) struct NewUpload {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// What its sender says of it.
    pub(crate) about: About,
}

/// The bytes of files, and how many are on their way at a time.
#[derive(Clone)]
pub(crate) struct Files {
    objects: Objects,
    transfers: Arc<Semaphore>,
}

impl Files {
    pub(crate) fn new(objects: Objects, transfers: usize) -> Self {
        let transfers = Arc::new(Semaphore::new(transfers));
        Self { objects, transfers }
    }

    /// A place among those that are on their way. Nobody waits for one: those who have one may be slow.
    fn transfer(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.transfers).try_acquire_owned();
        place.map_err(|_| Error::TooManyTransfers)
    }
}

impl App {
    /// Begins an upload, or answers how far it came.
    pub(crate) async fn begin_upload(
        &self,
        ctx: &Context,
        key: &Key,
        wanted: &NewUpload,
    ) -> Result<Media, Error> {
        let config = &self.config.media;
        if wanted.size > config.largest() {
            return Err(Error::MediaTooLarge(config.largest()));
        }
        let now = self.now();
        let mut about = wanted.about.clone();
        privacy::mask_name(&mut about.file_name, self.config.keep_last_four);
        let begun = Begun {
            id: MediaId::new(now),
            size: wanted.size,
            about,
            owner: self.owner(ctx),
            at: now,
        };
        self.env
            .db
            .write(ctx.tenant, async |s| {
                let id = match key.claim(&s).await?.replayed()? {
                    Some((id, _)) => MediaId::from_uuid(id),
                    None => {
                        let quota = config.quota();
                        if !self.store.begin_media(&s, &begun, quota).await? {
                            return Err(Error::MediaFull(quota));
                        }
                        key.settle(&s, begun.id.uuid(), 1).await?;
                        begun.id
                    }
                };
                let kept = self.store.media(&s, id).await?;
                Ok(kept.ok_or(Error::NoMedia(id))?.media)
            })
            .await
    }

    /// How far an upload of the caller came.
    pub(crate) async fn upload_state(&self, ctx: &Context, id: MediaId) -> Result<Media, Error> {
        Ok(self.own(ctx, id).await?.media)
    }

    /// Finishes an upload whose bytes are there and have the hash that was told.
    pub(crate) async fn finish_upload(&self, ctx: &Context, id: MediaId) -> Result<Media, Error> {
        let mut media = self.own(ctx, id).await?.media;
        if media.stage == Stage::Ready {
            return Ok(media);
        }
        media.complete()?;
        let now = self.now();
        let finished = self
            .env
            .db
            .write(ctx.tenant, async |s| {
                self.store.finish_media(&s, id, now).await
            })
            .await?;
        if !finished {
            // Somebody else finished it, or it is gone.
            let found = self.own(ctx, id).await?.media;
            return match found.stage {
                Stage::Ready => Ok(found),
                _ => Err(Unfinished::Incomplete(found.received).into()),
            };
        }
        media.stage = Stage::Ready;
        media.finished_at = now;
        Ok(media)
    }

    /// An upload of the caller. What is another's is as if it were not there.
    async fn own(&self, ctx: &Context, id: MediaId) -> Result<Kept, Error> {
        let kept = self.kept(ctx, id).await?;
        if kept.owner == self.owner(ctx) {
            Ok(kept)
        } else {
            Err(Error::NoMedia(id))
        }
    }

    async fn kept(&self, ctx: &Context, id: MediaId) -> Result<Kept, Error> {
        let kept = self
            .env
            .db
            .read(ctx.tenant, async |s| self.store.media(&s, id).await)
            .await?;
        kept.ok_or(Error::NoMedia(id))
    }

    /// Who may continue an upload: every process of a connector, else the principal alone.
    fn owner(&self, ctx: &Context) -> String {
        let who = match &ctx.connector {
            Some(connector) if !connector.is_empty() => format!("connector {connector}"),
            _ => format!("principal {}", ctx.principal),
        };
        let vault = &self.env.vault;
        hex::encode(vault.blind(ctx.tenant, "media owner", &who))
    }

    /// A finished file that the caller may see.
    pub(crate) async fn finished(&self, ctx: &Context, id: MediaId) -> Result<Kept, Error> {
        let kept = self.kept(ctx, id).await?;
        let seen = kept.media.stage == Stage::Ready && self.may_read(ctx, &kept).await?;
        if seen {
            Ok(kept)
        } else {
            Err(Error::NoMedia(id))
        }
    }

    /// Staff and systems see all files of the tenant. Connectors see what they brought and what contacts of theirs
    /// name, end customers what they brought.
    async fn may_read(&self, ctx: &Context, kept: &Kept) -> Result<bool, Error> {
        if kept.owner == self.owner(ctx) {
            return Ok(true);
        }
        match (ctx.kind, ctx.connector.as_deref()) {
            (PrincipalKind::Connector, Some(connector)) => {
                let id = kept.media.id;
                let named = self
                    .env
                    .db
                    .read(ctx.tenant, async |s| {
                        self.store.connector_names(&s, id, connector).await
                    })
                    .await?;
                Ok(named)
            }
            (PrincipalKind::Connector | PrincipalKind::Customer, _) => Ok(false),
            _ => Ok(true),
        }
    }
}
