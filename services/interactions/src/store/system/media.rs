//! Files of all tenants that are due for removal.

use rapport_foundation::db::Error;
use rapport_foundation::id::{MediaId, TenantId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use crate::domain::Piece;
use crate::store::Store;
use crate::store::media::{ERASED, Why, let_go};

/// Files looked at in one round.
const ROUND: i64 = 256;

/// From when on what counts as abandoned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DueMedia {
    /// Uploads that got no byte since.
    pub(crate) unfinished: Micros,
    /// Files that no contact names since.
    pub(crate) orphan: Micros,
    /// Objects that are being stored since.
    pub(crate) attempt: Micros,
}

impl Store {
    /// Takes the holders from files who were erased; answers how many files there were.
    pub(crate) async fn let_erased_go(&self, now: Micros) -> Result<usize, Error> {
        let erased = format!(
            "select distinct h.tenant_id, h.media_id from media_key h join subject_keys d \
             on d.tenant_id = h.tenant_id and d.subject = h.subject_key where {ERASED} limit $1"
        );
        let rows = self
            .db
            .system_read(async |system| system.raw_all(&erased, [ROUND.into()]).await)
            .await?;
        for row in &rows {
            let tenant = TenantId::from_uuid(row.try_get("", "tenant_id")?);
            let media: Uuid = row.try_get("", "media_id")?;
            self.db
                .write(tenant, async |s| let_go(&s, media, Why::Erased, now).await)
                .await?;
        }
        Ok(rows.len())
    }

    /// Says of abandoned files that they are going, and answers some that are: their objects can be removed.
    pub(crate) async fn going_media(
        &self,
        due: DueMedia,
    ) -> Result<Vec<(TenantId, MediaId)>, Error> {
        // One condition on the row itself: whoever names a file meanwhile holds its row, and it is looked at again.
        let abandoned = "update media set stage = 3 where (stage = 1 and touched_at < $1) \
                         or (stage = 2 and uses = 0 and touched_at < $2)";
        let going = "select tenant_id, id from media where stage = 3 order by touched_at limit $1";
        let rows = self
            .db
            .system_write(async |system| {
                let since = [due.unfinished.0.into(), due.orphan.0.into()];
                system.raw_exec(abandoned, since).await?;
                system.raw_all(going, [ROUND.into()]).await
            })
            .await?;
        let one = rows.iter().map(|row| {
            let tenant = TenantId::from_uuid(row.try_get("", "tenant_id")?);
            Ok((tenant, MediaId::from_uuid(row.try_get("", "id")?)))
        });
        one.collect()
    }

    /// Objects that were to be stored and were not taken into their file: whoever stored them did not live to say so.
    pub(crate) async fn stray_pieces(
        &self,
        due: DueMedia,
    ) -> Result<Vec<(TenantId, MediaId, Piece)>, Error> {
        let sql = "select tenant_id, media_id, start, length, attempt from media_piece \
                   where durable = 0 and begun_at < $1 limit $2";
        let rows = self
            .db
            .system_read(async |system| {
                let values = [due.attempt.0.into(), ROUND.into()];
                system.raw_all(sql, values).await
            })
            .await?;
        let one = rows.iter().map(|row| {
            let tenant = TenantId::from_uuid(row.try_get("", "tenant_id")?);
            let media = MediaId::from_uuid(row.try_get("", "media_id")?);
            Ok((tenant, media, crate::store::media::piece(row)?))
        });
        one.collect()
    }
}
