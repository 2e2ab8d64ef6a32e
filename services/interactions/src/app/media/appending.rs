//! Appending bytes: each piece is named in the database, stored, and taken into the file, in this order. Of two who
//! append at one place the first to be taken wins; the object of the other is removed.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use rapport_foundation::context::Context;
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::id::{MediaId, TenantId};
use rapport_foundation::seal::{FRAME_BYTES, FRAME_OVERHEAD, Place};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::App;
use crate::Error;
use crate::clients::Key;
use crate::domain::media::{APPEND, PIECE, Unfit};
use crate::domain::{Media, Piece, Stage};
use crate::store::Kept;

/// What a stream brought until it was interrupted, and why it was.
enum Next {
    Bytes(Bytes),
    End,
    Cut(Error),
}

impl App {
    /// Appends bytes at an offset; answers how many are durable then.
    pub(crate) async fn append_upload(
        &self,
        ctx: &Context,
        id: MediaId,
        offset: u64,
        data: Bytes,
    ) -> Result<u64, Error> {
        let _place = self.files.transfer()?;
        let kept = self.own(ctx, id).await?;
        if data.len() as u64 > APPEND {
            return Err(Unfit::TooLong.into());
        }
        let appended = self.append(ctx.tenant, kept, offset, data.clone()).await;
        let Err(Error::Unfit(Unfit::Moved(received))) = appended else {
            return appended.map(|kept| kept.media.received);
        };
        if self.has_already(ctx, id, offset, &data).await? {
            Ok(received)
        } else {
            Err(Unfit::Moved(received).into())
        }
    }

    /// Appends what a stream brings, a piece at a time; answers how many bytes are durable at its end.
    pub(crate) async fn stream_upload(
        &self,
        ctx: &Context,
        id: MediaId,
        offset: u64,
        data: impl Stream<Item = Result<Bytes, Failure>> + Send,
    ) -> Result<u64, Error> {
        let _place = self.files.transfer()?;
        let mut kept = self.own(ctx, id).await?;
        let mut offset = offset;
        must_stand(&kept.media, offset, 0)?;
        let expired = self
            .env
            .clock
            .sleep_until(ctx.token_expires.unwrap_or(Micros::MAX));
        tokio::pin!(expired, data);
        let mut held = BytesMut::new();
        loop {
            let next = tokio::select! {
                biased;
                () = self.shutdown().cancelled() => Next::Cut(Error::GoingDown),
                () = &mut expired => Next::Cut(Error::TokenExpired),
                next = data.next() => match next {
                    Some(Ok(bytes)) => Next::Bytes(bytes),
                    Some(Err(failure)) => Next::Cut(failure.into()),
                    None => Next::End,
                },
            };
            let more = matches!(next, Next::Bytes(_));
            let mut cut: Option<Error> = None;
            match next {
                Next::Bytes(bytes) if bytes.len() as u64 > APPEND => {
                    cut = Some(Unfit::TooLong.into());
                }
                Next::Bytes(bytes) => held.extend_from_slice(&bytes),
                Next::End => {}
                Next::Cut(error) => cut = Some(error),
            }
            if held.len() as u64 > kept.media.size - kept.media.received {
                return Err(Unfit::TooMuch.into());
            }
            // Between messages whole pieces go; at the end, however it came, all that can be kept.
            loop {
                let length = match held.len() as u64 {
                    length if more && cut.is_none() && length < PIECE => 0,
                    length => kept.media.keeps(length.min(PIECE)),
                };
                let Ok(length @ 1..) = usize::try_from(length) else {
                    break;
                };
                let piece = held.split_to(length).freeze();
                kept = self.append(ctx.tenant, kept, offset, piece).await?;
                offset = kept.media.received;
            }
            match cut {
                Some(error) => return Err(error),
                None if !more => return Ok(kept.media.received),
                None => {}
            }
        }
    }

    /// Stores one piece and takes it into its file.
    async fn append(
        &self,
        tenant: TenantId,
        kept: Kept,
        offset: u64,
        data: Bytes,
    ) -> Result<Kept, Error> {
        must_stand(&kept.media, offset, data.len() as u64)?;
        if data.is_empty() {
            return Ok(kept);
        }
        let id = kept.media.id;
        let piece = Piece {
            start: offset,
            length: data.len() as u64,
            attempt: Uuid::now_v7(),
        };
        let begun = self.now();
        let stands = self
            .env
            .db
            .write(tenant, async |s| {
                self.store.intend_piece(&s, id, &piece, begun).await
            })
            .await?;
        if !stands {
            return Err(self.moved(tenant, id).await);
        }
        let key = Key {
            tenant,
            media: id,
            piece,
        };
        let (grown, sealed) = sealed(kept, offset, data).await?;
        // What fails here leaves its name behind, by which the sweep finds what there may be of it.
        self.files.objects.put(&key, sealed).await?;
        let now = self.now();
        let settled = self
            .env
            .db
            .write(tenant, async |s| {
                self.store.settle_piece(&s, &grown, &piece, now).await
            })
            .await?;
        if settled {
            return Ok(grown);
        }
        self.files.objects.remove(&key).await?;
        self.env
            .db
            .write(tenant, async |s| {
                self.store.forget_piece(&s, id, &piece).await
            })
            .await?;
        Err(self.moved(tenant, id).await)
    }

    /// Where an upload stands that does not stand where it was thought to.
    async fn moved(&self, tenant: TenantId, id: MediaId) -> Error {
        let found = self
            .env
            .db
            .read(tenant, async |s| self.store.media(&s, id).await)
            .await;
        match found {
            Ok(Some(kept)) => Unfit::Moved(kept.media.received).into(),
            Ok(None) => Error::NoMedia(id),
            Err(error) => error.into(),
        }
    }

    /// Whether these very bytes are there: the answer to whoever appended them was lost.
    async fn has_already(
        &self,
        ctx: &Context,
        id: MediaId,
        offset: u64,
        data: &Bytes,
    ) -> Result<bool, Error> {
        let kept = self.own(ctx, id).await?;
        let end = offset + data.len() as u64;
        if end > kept.media.received || data.is_empty() {
            return Ok(false);
        }
        let mut reading = self.reading(ctx.tenant, kept, offset..end).await?;
        let mut rest = data.as_ref();
        while let Some(chunk) = reading.next(self).await? {
            match rest.strip_prefix(chunk.data.as_ref()) {
                Some(behind) => rest = behind,
                None => return Ok(false),
            }
        }
        Ok(rest.is_empty())
    }
}

fn must_stand(media: &Media, offset: u64, length: u64) -> Result<(), Error> {
    // Nothing is appended to what is finished: it stands at its end.
    if media.stage == Stage::Ready {
        return Err(Unfit::Moved(media.received).into());
    }
    Ok(media.fits(offset, length)?)
}

/// A piece in sealed frames, and its file with it. Off the threads that answer calls: it takes milliseconds.
async fn sealed(kept: Kept, offset: u64, data: Bytes) -> Result<(Kept, Vec<u8>), Error> {
    let work = move || {
        let (id, length) = (kept.media.id.uuid(), kept.media.size);
        let frames = data.chunks(FRAME_BYTES);
        let room = data.len() + frames.len() * FRAME_OVERHEAD;
        let mut sealed = Vec::with_capacity(room);
        for (frame, plain) in (offset / FRAME_BYTES as u64..).zip(frames) {
            let place = Place {
                content: id,
                length,
                frame,
            };
            kept.key.seal_frame(place, plain, &mut sealed);
        }
        let media = kept.media.grown(&data);
        (Kept { media, ..kept }, sealed)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        let failure = Failure::new(Code::Internal, "INTERNAL", "Something went wrong.");
        failure.caused_by(error).into()
    })
}
