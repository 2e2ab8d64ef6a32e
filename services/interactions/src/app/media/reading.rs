//! Reading bytes: a window of an object at a time, opened a frame at a time, when somebody asks for it. A slow reader
//! holds one window.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::id::{MediaId, TenantId};
use rapport_foundation::seal::{FRAME_BYTES, FRAME_OVERHEAD, Place};

use super::App;
use crate::Error;
use crate::clients::{Key, Lost};
use crate::domain::media::PIECE;
use crate::domain::{Media, Piece};
use crate::store::Kept;

const FRAME: u64 = FRAME_BYTES as u64;
const SEALED_BYTES: usize = FRAME_BYTES + FRAME_OVERHEAD;
const SEALED: u64 = SEALED_BYTES as u64;
/// Frames read at once.
const WINDOW: u64 = PIECE / FRAME;

/// Bytes of a file, and where they stand.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
}

/// A range of a file that is being read.
pub(super) struct Reading {
    tenant: TenantId,
    kept: Kept,
    pieces: VecDeque<Piece>,
    /// What is still to be answered.
    range: Range<u64>,
    /// Sealed frames that were read, and which the first of them is.
    window: Bytes,
    frame: u64,
}

impl App {
    /// What is known of a finished file.
    pub(crate) async fn get_media(&self, ctx: &Context, id: MediaId) -> Result<Media, Error> {
        Ok(self.finished(ctx, id).await?.media)
    }

    /// A finished file, and its bytes from an offset on, up to so many or all.
    pub(crate) async fn download(
        self: Arc<Self>,
        ctx: &Context,
        id: MediaId,
        offset: u64,
        length: u64,
    ) -> Result<
        (
            Media,
            impl Stream<Item = Result<Chunk, Error>> + Send + use<>,
        ),
        Error,
    > {
        let place = self.files.transfer()?;
        let kept = self.finished(ctx, id).await?;
        let media = kept.media.clone();
        let range = media.range(offset, length);
        let range = range.ok_or(Error::BehindEnd(media.size))?;
        let reading = self.reading(ctx.tenant, kept, range).await?;
        let chunks = futures::stream::try_unfold(
            (self, reading, place),
            async |(app, mut reading, place)| {
                if app.shutdown().is_cancelled() {
                    return Err(Error::GoingDown);
                }
                let chunk = reading.next(&app).await?;
                Ok(chunk.map(|chunk| (chunk, (app, reading, place))))
            },
        );
        Ok((media, chunks))
    }

    pub(super) async fn reading(
        &self,
        tenant: TenantId,
        kept: Kept,
        range: Range<u64>,
    ) -> Result<Reading, Error> {
        let id = kept.media.id;
        let pieces = self
            .env
            .db
            .read(tenant, async |s| self.store.pieces(&s, id, &range).await)
            .await?;
        Ok(Reading {
            tenant,
            kept,
            pieces: pieces.into(),
            range,
            window: Bytes::new(),
            frame: 0,
        })
    }
}

impl Reading {
    /// The next bytes, at most a frame.
    pub(super) async fn next(&mut self, app: &App) -> Result<Option<Chunk>, Error> {
        if self.range.is_empty() {
            return Ok(None);
        }
        if self.window.is_empty() {
            self.read(app).await?;
        }
        let sealed = self.window.split_to(self.window.len().min(SEALED_BYTES));
        let media = &self.kept.media;
        let place = Place {
            content: media.id.uuid(),
            length: media.size,
            frame: self.frame,
        };
        let mut data = Bytes::from(self.kept.key.open_frame(place, &sealed)?);
        let offset = self.range.start;
        // Only the first frame begins before what was asked for, only the last goes beyond it.
        let before = within(offset.saturating_sub(self.frame * FRAME), data.len());
        let wanted = within(self.range.end - offset, data.len() - before);
        data = data.slice(before..before + wanted);
        self.frame += 1;
        self.range.start += data.len() as u64;
        if data.is_empty() {
            return Err(Lost::Missing.into());
        }
        Ok(Some(Chunk { offset, data }))
    }

    /// Reads the frames that hold what is asked for next, as far as they are in one object.
    async fn read(&mut self, app: &App) -> Result<(), Error> {
        let start = self.range.start;
        while self
            .pieces
            .front()
            .is_some_and(|piece| piece.end() <= start)
        {
            self.pieces.pop_front();
        }
        let piece = self.pieces.front().filter(|piece| piece.start <= start);
        let piece = *piece.ok_or(Lost::Missing)?;
        // Objects begin and end with a frame.
        let first = (start - piece.start) / FRAME;
        let end = self.range.end.min(piece.end()) - piece.start;
        let behind = end.div_ceil(FRAME).min(first + WINDOW);
        let sealed_end = piece.length + piece.length.div_ceil(FRAME) * FRAME_OVERHEAD as u64;
        let range = first * SEALED..(behind * SEALED).min(sealed_end);
        let key = Key {
            tenant: self.tenant,
            media: self.kept.media.id,
            piece,
        };
        self.frame = piece.start / FRAME + first;
        self.window = app.files.objects.read(&key, range).await?;
        Ok(())
    }
}

/// So many bytes, but no more than there are.
fn within(bytes: u64, most: usize) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX).min(most)
}
