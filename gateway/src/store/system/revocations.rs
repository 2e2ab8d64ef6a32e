//! Reading and making revocations.

use rapport_foundation::db::{self, Scoped};
use rapport_foundation::id::{RevocationId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, IntoActiveModel as _};

use super::mutation::{Begun, Mutation, page, room};
use super::{Cursor, Store};
use crate::domain::revocation::Revocation;
use crate::error::Error;
use crate::store::entities::revocation::{Column, Entity, row};

impl Store {
    /// Stores a revocation if its tenant has fewer in force than `most`.
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::RevocationNotFound`] for a repeated call about one that is over, [`Error::Refused`] for a
    /// reused request id, or what the store says.
    pub async fn revoke(
        &self,
        mutation: Mutation<'_>,
        revocation: &Revocation,
        most: u64,
    ) -> Result<Revocation, Error> {
        self.db
            .system_write(|s| async move {
                let own = match mutation.begin(&s).await? {
                    Begun::Fresh(own) => own,
                    Begun::Replay(own, id) => return read(&own, RevocationId::from_uuid(id)).await,
                };
                let there = in_force(&own, revocation.created).count().await?;
                room("revocation", there, most)?;
                let row = row(mutation.tenant, revocation);
                own.insert_many(vec![row.into_active_model().reset_all()])
                    .await?;
                mutation.settle(&s, revocation.id.uuid(), 1).await?;
                Ok(revocation.clone())
            })
            .await
    }

    /// A page of the revocations in force, oldest first, and where the next begins.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revocations(
        &self,
        tenant: TenantId,
        now: Micros,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<(Vec<Revocation>, Option<Cursor>), db::Error> {
        self.db
            .system_read(|s| async move {
                let rows = in_force(&s.scoped(tenant), now);
                let (rows, more) = page(rows, (Column::CreatedAt, Column::Id), after, most).await?;
                let next = rows.last().filter(|_| more).map(|row| Cursor {
                    created: row.created_at,
                    id: row.id,
                });
                let revocations = rows.into_iter().map(Revocation::try_from);
                Ok((revocations.collect::<Result<_, _>>()?, next))
            })
            .await
    }

    /// Forgets the revocations of all tenants that nothing valid can be hit by any more; says how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep_revocations(&self, now: Micros) -> Result<u64, db::Error> {
        let sql = "delete from revocations where expires_at <= $1";
        self.db
            .system_write(|s| async move { s.raw_exec(sql, [now.0.into()]).await })
            .await
    }
}

/// The revocations of a tenant that may hit something.
pub(super) async fn effective(own: &Scoped, now: Micros) -> Result<Vec<Revocation>, db::Error> {
    let rows = in_force(own, now).all().await?;
    rows.into_iter().map(Revocation::try_from).collect()
}

fn in_force(own: &Scoped, now: Micros) -> db::Rows<Entity> {
    own.find::<Entity>().filter(Column::ExpiresAt.gt(now))
}

async fn read(own: &Scoped, id: RevocationId) -> Result<Revocation, Error> {
    let row = own
        .find::<Entity>()
        .filter(Column::Id.eq(id.uuid()))
        .one()
        .await?;
    Ok(row.ok_or(Error::RevocationNotFound(id))?.try_into()?)
}
