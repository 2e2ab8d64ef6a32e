//! What every change of a tenant's keys, roles and revocations has in common.

use rapport_foundation::db::{self, Rows, Scoped, System, TenantOwned};
use rapport_foundation::id::TenantId;
use rapport_foundation::idempotency::Key;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, Condition, QueryFilter as _};
use uuid::Uuid;

use super::Cursor;
use crate::error::Error;
use crate::store::entities::tenant;

/// Whose change, under which request id, and of which tenant: an operator changes what is another's.
#[derive(Clone, Copy)]
pub struct Mutation<'a> {
    /// The caller's tenant, nil for an operator.
    pub caller: TenantId,
    /// The request id.
    pub key: &'a Key,
    /// The tenant that is changed.
    pub tenant: TenantId,
}

/// How a change begins.
pub(super) enum Begun {
    /// For the first time: the rows of the tenant.
    Fresh(Scoped),
    /// It was done before, to the row with this id.
    Replay(Scoped, Uuid),
}

impl Mutation<'_> {
    /// Claims the request id, and the tenant: changes of one tenant come one after the other, and every replica sees
    /// that there was one.
    pub(super) async fn begin(&self, s: &System) -> Result<Begun, Error> {
        let of = s.scoped(self.tenant);
        let claim = self.key.claim(&s.scoped(self.caller)).await?;
        if let Some((id, _)) = claim.replayed()? {
            return Ok(Begun::Replay(of, id));
        }
        let counted = s
            .update_where::<tenant::Entity>(|update| {
                let next = Expr::col(tenant::Column::AccessVersion).add(1);
                update
                    .col_expr(tenant::Column::AccessVersion, next)
                    .filter(tenant::Column::TenantId.eq(self.tenant.uuid()))
            })
            .await?;
        match counted {
            0 => Err(Error::TenantNotFound(self.tenant)),
            _ => Ok(Begun::Fresh(of)),
        }
    }

    /// Notes what was done.
    pub(super) async fn settle(&self, s: &System, id: Uuid, version: i64) -> Result<(), db::Error> {
        self.key.settle(&s.scoped(self.caller), id, version).await
    }
}

/// A page of rows by the time they were made and their id, and whether there are more.
pub(super) async fn page<E: TenantOwned>(
    rows: Rows<E>,
    by: (E::Column, E::Column),
    after: Option<Cursor>,
    most: u32,
) -> Result<(Vec<E::Model>, bool), db::Error>
where
    E::Model: Send + Sync,
{
    let (created, id) = by;
    let rows = match after {
        None => rows,
        Some(after) => rows.filter(
            Condition::any().add(created.gt(after.created)).add(
                Condition::all()
                    .add(created.eq(after.created))
                    .add(id.gt(after.id)),
            ),
        ),
    };
    let mut rows = rows
        .order_by_asc(created)
        .order_by_asc(id)
        .limit(u64::from(most) + 1)
        .all()
        .await?;
    let more = rows.len() > most as usize;
    rows.truncate(most as usize);
    Ok((rows, more))
}

/// Refuses what would be one too many of a kind.
pub(super) fn room(kind: &'static str, there: u64, most: u64) -> Result<(), Error> {
    if there < most {
        return Ok(());
    }
    Err(Error::TooMany { kind, most })
}
