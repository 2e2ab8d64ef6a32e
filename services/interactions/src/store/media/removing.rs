//! Removing files: what no contact names any more, what was never finished, what was erased. A row says that a file is
//! going before its objects are removed, and stays until they are.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{InteractionId, MediaId};
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::Store;
use super::{piece, uses};
use crate::domain::Piece;

/// Why a contact is no longer a reason to keep a file.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Why {
    /// The contact is removed.
    Removed(InteractionId),
    /// Whoever the contact is about was erased.
    Erased,
}

/// That the key `h` of a file opens with no key of its subject `d` any more: it was destroyed, and perhaps another made.
pub(in crate::store) const ERASED: &str = "(d.wrapped is null or d.generation <> h.generation)";

/// Takes holders from a file. A file that nobody holds any more is going at once: it was somebody's, and is nobody's.
pub(in crate::store) async fn let_go(
    s: &Scoped,
    media: Uuid,
    why: Why,
    now: Micros,
) -> Result<(), Error> {
    // The row is held first, as whoever names the file holds it: the count is right afterwards.
    let hold = "update media set touched_at = $3 where tenant_id = $1 and id = $2 and stage = 2";
    s.raw_exec(hold, [media.into(), now.0.into()]).await?;
    match why {
        Why::Removed(interaction) => {
            let sql =
                "delete from media_key where tenant_id = $1 and media_id = $2 and holder = $3";
            let values: [Value; 2] = [media.into(), interaction.uuid().into()];
            s.raw_exec(sql, values).await?;
        }
        Why::Erased => {
            let sql = format!(
                "delete from media_key where tenant_id = $1 and media_id = $2 and holder in \
                 (select h.holder from media_key h join subject_keys d on d.tenant_id = h.tenant_id \
                 and d.subject = h.subject_key where h.tenant_id = $1 and h.media_id = $2 and {ERASED})"
            );
            s.raw_exec(&sql, [media.into()]).await?;
        }
    }
    let held = format!(
        "(select count(*) from media_key h where h.tenant_id = media.tenant_id and h.media_id = media.id \
         and h.holder <> {})",
        uses::nil(s)
    );
    let count = format!("update media set uses = {held} where tenant_id = $1 and id = $2");
    s.raw_exec(&count, [media.into()]).await?;
    let going = "update media set stage = 3 where tenant_id = $1 and id = $2 and uses = 0 and not exists \
                 (select 1 from media_key h where h.tenant_id = media.tenant_id and h.media_id = media.id)";
    s.raw_exec(going, [media.into()]).await?;
    Ok(())
}

impl Store {
    /// Says that these contacts are no reason any more to keep the files they name, because they are removed. Files
    /// that no other contact names are removed soon after; from the end of this transaction on nobody can read them.
    #[expect(
        dead_code,
        reason = "for whoever removes contacts: retention and erasure"
    )]
    pub(crate) async fn release_media(
        &self,
        s: &Scoped,
        interactions: &[InteractionId],
        now: Micros,
    ) -> Result<(), Error> {
        for interaction in interactions {
            let sql = "select media_id from media_key where tenant_id = $1 and holder = $2 order by media_id";
            for row in s.raw_all(sql, [interaction.uuid().into()]).await? {
                let media: Uuid = row.try_get("", "media_id")?;
                let_go(s, media, Why::Removed(*interaction), now).await?;
            }
        }
        Ok(())
    }

    /// The objects of a file that is going, stored or on their way.
    pub(crate) async fn going_pieces(&self, s: &Scoped, id: MediaId) -> Result<Vec<Piece>, Error> {
        let sql =
            "select start, length, attempt from media_piece where tenant_id = $1 and media_id = $2";
        let rows = s.raw_all(sql, [id.uuid().into()]).await?;
        rows.iter().map(piece).collect()
    }

    /// Forgets a file whose objects are removed, and gives its room back. Of several who try one does it.
    pub(crate) async fn forget_media(&self, s: &Scoped, id: MediaId) -> Result<(), Error> {
        let id: Value = id.uuid().into();
        let room = "update media_usage set bytes = bytes - coalesce((select size_bytes from media m \
                    where m.tenant_id = $1 and m.id = $2 and m.stage = 3), 0) where tenant_id = $1";
        // The row is held before the room is given back: another replica waits here and finds nothing.
        let hold = "update media set touched_at = touched_at where tenant_id = $1 and id = $2 and stage = 3";
        if s.raw_exec(hold, [id.clone()]).await? == 0 {
            return Ok(());
        }
        for sql in [
            room,
            "delete from media_piece where tenant_id = $1 and media_id = $2",
            "delete from media_key where tenant_id = $1 and media_id = $2",
            "delete from media where tenant_id = $1 and id = $2 and stage = 3",
        ] {
            s.raw_exec(sql, [id.clone()]).await?;
        }
        Ok(())
    }
}
