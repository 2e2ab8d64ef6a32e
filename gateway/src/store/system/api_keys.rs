//! Reading and changing API keys.

use rapport_foundation::db::{self, Scoped};
use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, Condition, IntoActiveModel as _};

use super::mutation::{Begun, Mutation, page, room};
use super::roles::given_to;
use super::{Cursor, Store};
use crate::domain::api_key::ApiKey;
use crate::error::Error;
use crate::store::entities::api_key::{Column, Entity, Model};

/// A key that was used, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: ApiKeyId,
    /// When.
    pub at: Micros,
}

/// Decides what becomes of a key, knowing which scopes its holder has by roles.
pub type Decide<'a> = &'a (dyn Fn(ApiKey, &[String]) -> Result<ApiKey, Error> + Send + Sync);

impl Store {
    /// Stores a new key if its tenant has fewer live ones than `most`. Says whether it was new to this request id.
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::TenantNotFound`], [`Error::Refused`] for a reused request id, or what the store says.
    pub async fn create_key(
        &self,
        mutation: Mutation<'_>,
        key: &ApiKey,
        most: u64,
    ) -> Result<(ApiKey, bool), Error> {
        self.db
            .system_write(|s| async move {
                let own = match mutation.begin(&s).await? {
                    Begun::Fresh(own) => own,
                    Begun::Replay(own, id) => {
                        return Ok((read(&own, ApiKeyId::from_uuid(id)).await?, false));
                    }
                };
                room_for_one(&own, key.created, most).await?;
                own.insert_many(vec![Model::from(key).into_active_model().reset_all()])
                    .await?;
                mutation.settle(&s, key.id.uuid(), key.version).await?;
                Ok((key.clone(), true))
            })
            .await
    }

    /// Changes a key as decided, unless it comes to life again while its tenant has `most` live ones. Says whether it was
    /// changed by this very call.
    ///
    /// # Errors
    /// [`Error::KeyNotFound`], [`Error::EtagMismatch`], what was decided, [`Error::TooMany`], [`Error::Refused`] for a reused
    /// request id, or what the store says.
    pub async fn change_key(
        &self,
        mutation: Mutation<'_>,
        id: ApiKeyId,
        etag: Option<i64>,
        most: u64,
        decide: Decide<'_>,
    ) -> Result<(ApiKey, bool), Error> {
        self.db
            .system_write(|s| async move {
                let own = match mutation.begin(&s).await? {
                    Begun::Fresh(own) => own,
                    Begun::Replay(own, id) => {
                        return Ok((read(&own, ApiKeyId::from_uuid(id)).await?, false));
                    }
                };
                let before = read(&own, id).await?;
                if etag.is_some_and(|etag| etag != before.version) {
                    return Err(Error::EtagMismatch);
                }
                let given = given_to(&own, &before.identity()).await?;
                let over = before.clone();
                let after = decide(before, &given)?;
                let now = after.updated;
                if after.is_live(now) && !over.is_live(now) {
                    room_for_one(&own, now, most).await?;
                }
                replace(&own, &after).await?;
                mutation.settle(&s, id.uuid(), after.version).await?;
                Ok((after, true))
            })
            .await
    }

    /// One key.
    ///
    /// # Errors
    /// [`Error::KeyNotFound`], or what the store says.
    pub async fn key(&self, tenant: TenantId, id: ApiKeyId) -> Result<ApiKey, Error> {
        self.db
            .system_read(|s| async move { read(&s.scoped(tenant), id).await })
            .await
    }

    /// A page of keys, oldest first, and where the next begins.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keys(
        &self,
        tenant: TenantId,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<(Vec<ApiKey>, Option<Cursor>), db::Error> {
        self.db
            .system_read(|s| async move {
                let rows = s.scoped(tenant).find::<Entity>();
                let (rows, more) = page(rows, (Column::CreatedAt, Column::Id), after, most).await?;
                let next = rows.last().filter(|_| more).map(|row| Cursor {
                    created: row.created_at,
                    id: row.id,
                });
                let keys = rows
                    .into_iter()
                    .map(ApiKey::try_from)
                    .collect::<Result<_, _>>()?;
                Ok((keys, next))
            })
            .await
    }

    /// Notes when keys were last used, in one transaction. A later moment that is there already stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_uses(&self, uses: &[Use]) -> Result<(), db::Error> {
        self.db
            .system_write(|s| async move {
                for used in uses {
                    let sql = "update api_keys set last_used_at = $3 where tenant_id = $1 and id = $2 \
                               and (last_used_at is null or last_used_at < $3)";
                    let values = [used.id.into(), used.at.0.into()];
                    s.scoped(used.tenant).raw_exec(sql, values).await?;
                }
                Ok(())
            })
            .await
    }
}

/// The keys of a tenant that somebody may use.
pub(super) async fn live_keys(own: &Scoped, now: Micros) -> Result<Vec<ApiKey>, db::Error> {
    let rows = own.find::<Entity>().filter(live(now)).all().await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Only called while the tenant is claimed: nobody else makes a key meanwhile.
async fn room_for_one(own: &Scoped, now: Micros, most: u64) -> Result<(), Error> {
    let live = own.find::<Entity>().filter(live(now)).count().await?;
    room("api_key", live, most)
}

fn live(now: Micros) -> Condition {
    Condition::all().add(Column::RevokedAt.is_null()).add(
        Condition::any()
            .add(Column::ExpiresAt.is_null())
            .add(Column::ExpiresAt.gt(now)),
    )
}

async fn read(own: &Scoped, id: ApiKeyId) -> Result<ApiKey, Error> {
    let row = own
        .find::<Entity>()
        .filter(Column::Id.eq(id.uuid()))
        .one()
        .await?;
    Ok(row.ok_or(Error::KeyNotFound(id))?.try_into()?)
}

/// Only called while the tenant is claimed: nobody else changes its keys meanwhile.
async fn replace(own: &Scoped, key: &ApiKey) -> Result<(), db::Error> {
    let row = Model::from(key).into_active_model().reset_all();
    let key = [Column::TenantId, Column::Id];
    let changed = [
        Column::DisplayName,
        Column::Hash,
        Column::FormerHash,
        Column::FormerUntil,
        Column::Scopes,
        Column::Roles,
        Column::ExpiresAt,
        Column::RevokedAt,
        Column::Version,
        Column::UpdatedAt,
    ];
    own.upsert_many(vec![row], key, changed).await
}
