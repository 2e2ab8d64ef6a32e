//! Files of contacts: their rows. The bytes are kept elsewhere; every object is named here before it is stored.

use std::ops::Range;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::MediaId;
use rapport_foundation::seal::{ContentKey, SubjectKeys};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Store;
use crate::domain::{About, Media, Piece, Stage};

mod about;
mod removing;
mod uses;

pub(super) use removing::{ERASED, Why, let_go};
pub(super) use uses::{Ready, Use, names_missing, ready, tie};

/// Whose key holds that of a file while no contact names it: the tenant's, under a name of its own.
const NOBODY: &str = "media";
/// Contacts that name one file, of which one is asked for its key.
const HOLDERS: i64 = 16;

/// A new upload.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) id: MediaId,
    pub(crate) size: u64,
    pub(crate) about: About,
    pub(crate) owner: String,
    pub(crate) at: Micros,
}

/// A file with what it is opened by and who may.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) media: Media,
    pub(crate) key: ContentKey,
    pub(crate) owner: String,
}

/// How numbers of bytes are stored.
fn stored(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn bytes(row: &QueryResult, column: &str) -> Result<u64, Error> {
    u64::try_from(row.try_get::<i64>("", column)?)
        .map_err(|_| Error::Corrupt("a stored number of bytes is negative"))
}

/// Names the row that the key of a file is sealed for.
fn key_row(media: Uuid, holder: Uuid) -> Vec<u8> {
    let (media, holder) = (media.as_bytes(), holder.as_bytes());
    [b"interactions/media_key/".as_slice(), media, holder].concat()
}

impl Store {
    /// Begins an upload; false when the tenant has no room for it.
    pub(crate) async fn begin_media(
        &self,
        s: &Scoped,
        begun: &Begun,
        quota: i64,
    ) -> Result<bool, Error> {
        let size = stored(begun.size);
        if size > quota {
            return Ok(false);
        }
        let room = "insert into media_usage (tenant_id, bytes) values ($1, $2) on conflict (tenant_id) \
                    do update set bytes = media_usage.bytes + $2 where media_usage.bytes + $2 <= $3";
        if s.raw_exec(room, [size.into(), quota.into()]).await? == 0 {
            return Ok(false);
        }
        let key = ContentKey::fresh()?;
        let id = begun.id.uuid();
        let sql = "insert into media (tenant_id, id, stage, owner, size_bytes, received, uses, about, \
                   begun_at, touched_at, finished_at) values ($1, $2, $3, $4, $5, 0, 0, $6, $7, $7, 0)";
        let values: [Value; 6] = [
            id.into(),
            Stage::Uploading.code().into(),
            begun.owner.as_str().into(),
            size.into(),
            about::seal(&key, begun.id, &begun.about)?.into(),
            begun.at.0.into(),
        ];
        s.raw_exec(sql, values).await?;
        let nobody = NOBODY.to_owned();
        let keys = self.vault.keys(s, std::slice::from_ref(&nobody)).await?;
        let subject = keys.require(NOBODY)?;
        let sql = "insert into media_key (tenant_id, media_id, holder, subject_key, generation, sealed) \
                   values ($1, $2, $3, $4, $5, $6)";
        let values: [Value; 5] = [
            id.into(),
            Uuid::nil().into(),
            nobody.into(),
            subject.generation().into(),
            key.sealed(&subject, &key_row(id, Uuid::nil())).into(),
        ];
        s.raw_exec(sql, values).await?;
        Ok(true)
    }

    /// A file; none when there is none, or when nobody is left who could open it.
    pub(crate) async fn media(&self, s: &Scoped, id: MediaId) -> Result<Option<Kept>, Error> {
        let sql = "select stage, owner, size_bytes, received, about, begun_at, finished_at from media \
                   where tenant_id = $1 and id = $2 and stage <> 3";
        let Some(row) = s.raw_one(sql, [id.uuid().into()]).await? else {
            return Ok(None);
        };
        let Some(key) = self.media_key(s, id).await? else {
            return Ok(None);
        };
        let sealed: Vec<u8> = row.try_get("", "about")?;
        let media = Media {
            id,
            stage: Stage::from_code(row.try_get("", "stage")?)
                .ok_or(Error::Corrupt("a stored code is not known"))?,
            size: bytes(&row, "size_bytes")?,
            received: bytes(&row, "received")?,
            about: about::open(&key, id, &sealed)?,
            begun_at: Micros(row.try_get("", "begun_at")?),
            finished_at: Micros(row.try_get("", "finished_at")?),
        };
        Ok(Some(Kept {
            media,
            key,
            owner: row.try_get("", "owner")?,
        }))
    }

    async fn media_key(&self, s: &Scoped, id: MediaId) -> Result<Option<ContentKey>, Error> {
        let sql = "select holder, subject_key, sealed from media_key where tenant_id = $1 and media_id = $2 limit $3";
        let rows = s.raw_all(sql, [id.uuid().into(), HOLDERS.into()]).await?;
        let subjects = rows.iter().map(|row| Ok(row.try_get("", "subject_key")?));
        let subjects: Vec<String> = subjects.collect::<Result<_, Error>>()?;
        let keys = self.vault.existing(s, &subjects).await?;
        for row in &rows {
            if let Some(key) = unsealed(row, id.uuid(), &keys)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whether a contact of this connector names a file.
    pub(crate) async fn connector_names(
        &self,
        s: &Scoped,
        id: MediaId,
        connector: &str,
    ) -> Result<bool, Error> {
        let sql = "select 1 as one from media_key k join interaction i on i.tenant_id = k.tenant_id and i.id = k.holder \
                   where k.tenant_id = $1 and k.media_id = $2 and i.connector = $3 limit 1";
        let named = s.raw_one(sql, [id.uuid().into(), connector.into()]).await?;
        Ok(named.is_some())
    }

    /// Notes that an object is about to be stored; false when the upload does not stand there any more.
    pub(crate) async fn intend_piece(
        &self,
        s: &Scoped,
        id: MediaId,
        piece: &Piece,
        now: Micros,
    ) -> Result<bool, Error> {
        let stands = "update media set touched_at = $4 where tenant_id = $1 and id = $2 and stage = 1 and received = $3";
        let values: [Value; 3] = [id.uuid().into(), stored(piece.start).into(), now.0.into()];
        if s.raw_exec(stands, values).await? == 0 {
            return Ok(false);
        }
        let sql = "insert into media_piece (tenant_id, media_id, start, attempt, length, durable, begun_at) \
                   values ($1, $2, $3, $4, $5, 0, $6)";
        let values: [Value; 5] = [
            id.uuid().into(),
            stored(piece.start).into(),
            piece.attempt.into(),
            stored(piece.length).into(),
            now.0.into(),
        ];
        s.raw_exec(sql, values).await?;
        Ok(true)
    }

    /// Takes a stored object into the file; false when another came first.
    pub(crate) async fn settle_piece(
        &self,
        s: &Scoped,
        grown: &Kept,
        piece: &Piece,
        now: Micros,
    ) -> Result<bool, Error> {
        let media = &grown.media;
        let moves = "update media set received = $4, about = $5, touched_at = $6 \
                     where tenant_id = $1 and id = $2 and stage = 1 and received = $3";
        let values: [Value; 5] = [
            media.id.uuid().into(),
            stored(piece.start).into(),
            stored(piece.end()).into(),
            about::seal(&grown.key, media.id, &media.about)?.into(),
            now.0.into(),
        ];
        if s.raw_exec(moves, values).await? == 0 {
            return Ok(false);
        }
        let sql = "update media_piece set durable = 1 \
                   where tenant_id = $1 and media_id = $2 and start = $3 and attempt = $4";
        // Gone means that the sweep took it for abandoned, and its object with it.
        let settled = s.raw_exec(sql, named(media.id, piece)).await?;
        s.stale_if_none(settled)?;
        Ok(true)
    }

    /// Forgets an object that was not taken into its file, and was removed.
    pub(crate) async fn forget_piece(
        &self,
        s: &Scoped,
        id: MediaId,
        piece: &Piece,
    ) -> Result<(), Error> {
        let sql = "delete from media_piece \
                   where tenant_id = $1 and media_id = $2 and start = $3 and attempt = $4 and durable = 0";
        s.raw_exec(sql, named(id, piece)).await?;
        Ok(())
    }

    /// The objects that hold a range of a file, in their order.
    pub(crate) async fn pieces(
        &self,
        s: &Scoped,
        id: MediaId,
        range: &Range<u64>,
    ) -> Result<Vec<Piece>, Error> {
        let sql = "select start, length, attempt from media_piece where tenant_id = $1 and media_id = $2 \
                   and durable = 1 and start < $4 and start + length > $3 order by start";
        let values: [Value; 3] = [
            id.uuid().into(),
            stored(range.start).into(),
            stored(range.end).into(),
        ];
        let rows = s.raw_all(sql, values).await?;
        rows.iter().map(piece).collect()
    }

    /// Finishes an upload; false when it is no upload any more.
    pub(crate) async fn finish_media(
        &self,
        s: &Scoped,
        id: MediaId,
        now: Micros,
    ) -> Result<bool, Error> {
        let sql = "update media set stage = 2, finished_at = $3, touched_at = $3 \
                   where tenant_id = $1 and id = $2 and stage = 1 and received = size_bytes";
        Ok(s.raw_exec(sql, [id.uuid().into(), now.0.into()]).await? > 0)
    }
}

fn named(id: MediaId, piece: &Piece) -> [Value; 3] {
    [
        id.uuid().into(),
        stored(piece.start).into(),
        piece.attempt.into(),
    ]
}

pub(super) fn piece(row: &QueryResult) -> Result<Piece, Error> {
    Ok(Piece {
        start: bytes(row, "start")?,
        length: bytes(row, "length")?,
        attempt: row.try_get("", "attempt")?,
    })
}

/// The key of a file that a row holds; none when whoever it is sealed for was erased.
fn unsealed(
    row: &QueryResult,
    media: Uuid,
    keys: &SubjectKeys,
) -> Result<Option<ContentKey>, Error> {
    let subject: String = row.try_get("", "subject_key")?;
    let Some(key) = keys.get(&subject) else {
        return Ok(None);
    };
    let holder: Uuid = row.try_get("", "holder")?;
    let sealed: Vec<u8> = row.try_get("", "sealed")?;
    match ContentKey::unsealed(&sealed, &key, &key_row(media, holder)) {
        Ok(key) => Ok(Some(key)),
        Err(Error::Erased) => Ok(None),
        Err(error) => Err(error),
    }
}
