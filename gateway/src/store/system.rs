//! Reading and changing tenants, and what tenants say of their principals.

use rapport_foundation::db::{self, Database, System};
use rapport_foundation::id::TenantId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::time::Micros;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, IntoActiveModel as _, QueryFilter as _,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod access;
mod api_keys;
mod mutation;
mod revocations;
mod roles;

pub use access::{Reading, TenantRow};
pub use api_keys::{Decide, Use};
pub use mutation::Mutation;

use super::entities::tenant::{Column, Entity, Model};
use crate::domain::quota::Quota;
use crate::domain::tenant::{Change, State, Tenant, TimeZone};
use crate::error::Error;

/// The gateway's tables.
#[derive(Clone)]
pub struct Store {
    db: Database,
}

/// Where a page of tenants ended.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cursor {
    pub(super) created: Micros,
    pub(super) id: Uuid,
}

impl Store {
    /// The tables in a database.
    pub fn new(db: Database) -> Self {
        Store { db }
    }

    /// Stores a new tenant, once for each request id of a caller.
    ///
    /// # Errors
    /// [`Error::TenantExists`] when the id is taken, [`Error::Refused`] when the request id was used for something
    /// else, or what the store says.
    pub async fn create(
        &self,
        caller: TenantId,
        key: &Key,
        tenant: &Tenant,
    ) -> Result<Tenant, Error> {
        self.db
            .system_write(|s| async move {
                let own = s.scoped(caller);
                if let Some((id, _)) = key.claim(&own).await?.replayed()? {
                    return read(&s, TenantId::from_uuid(id)).await;
                }
                if find(&s, tenant.id).await?.is_some() {
                    return Err(Error::TenantExists(tenant.id));
                }
                insert(&s, tenant).await?;
                key.settle(&own, tenant.id.uuid(), tenant.version).await?;
                Ok(tenant.clone())
            })
            .await
    }

    /// Changes a tenant, once for each request id of a caller.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], [`Error::EtagMismatch`], [`Error::Refused`] as in `create`, or what the store says.
    pub async fn update(
        &self,
        caller: TenantId,
        key: &Key,
        id: TenantId,
        etag: Option<i64>,
        change: &Change,
        now: Micros,
    ) -> Result<Tenant, Error> {
        self.db
            .system_write(|s| async move {
                let own = s.scoped(caller);
                if let Some((id, _)) = key.claim(&own).await?.replayed()? {
                    return read(&s, TenantId::from_uuid(id)).await;
                }
                let before = read(&s, id).await?;
                if etag.is_some_and(|etag| etag != before.version) {
                    return Err(Error::EtagMismatch);
                }
                let version = before.version;
                let after = before.changed(change.clone(), now);
                replace(&s, &after, version).await?;
                key.settle(&own, id.uuid(), after.version).await?;
                Ok(after)
            })
            .await
    }

    /// Stores a tenant if its id is free: what set-up and demonstrations do. Says whether it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure(&self, tenant: &Tenant) -> Result<bool, db::Error> {
        self.db
            .system_write(|s| async move {
                if find(&s, tenant.id).await?.is_some() {
                    return Ok(false);
                }
                insert(&s, tenant).await?;
                Ok(true)
            })
            .await
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], or what the store says.
    pub async fn get(&self, id: TenantId) -> Result<Tenant, Error> {
        self.db
            .system_read(|s| async move { read(&s, id).await })
            .await
    }

    /// A page of tenants, oldest first, and where the next begins.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<(Vec<Tenant>, Option<Cursor>), db::Error> {
        self.db
            .system_read(|s| async move {
                let mut rows = s.find::<Entity>().filter(tenants_only());
                if let Some(after) = after {
                    rows = rows.filter(
                        Condition::any()
                            .add(Column::CreatedAt.gt(after.created))
                            .add(
                                Condition::all()
                                    .add(Column::CreatedAt.eq(after.created))
                                    .add(Column::TenantId.gt(after.id)),
                            ),
                    );
                }
                let mut rows = rows
                    .order_by_asc(Column::CreatedAt)
                    .order_by_asc(Column::TenantId)
                    .limit(u64::from(most) + 1)
                    .all()
                    .await?;
                let more = rows.len() > most as usize;
                rows.truncate(most as usize);
                let next = rows.last().filter(|_| more).map(|row| Cursor {
                    created: row.created_at,
                    id: row.tenant_id,
                });
                let tenants = rows.into_iter().map(tenant).collect::<Result<_, _>>()?;
                Ok((tenants, next))
            })
            .await
    }
}

/// Without the row that stands for the installation: it is where the access of operators outside any tenant is counted.
fn tenants_only() -> sea_orm::sea_query::SimpleExpr {
    Column::TenantId.ne(Uuid::nil())
}

async fn find(s: &System, id: TenantId) -> Result<Option<Tenant>, db::Error> {
    let row = s
        .find::<Entity>()
        .filter(tenants_only())
        .filter(Column::TenantId.eq(id.uuid()))
        .one()
        .await?;
    row.map(tenant).transpose()
}

async fn read(s: &System, id: TenantId) -> Result<Tenant, Error> {
    find(s, id).await?.ok_or(Error::TenantNotFound(id))
}

async fn insert(s: &System, tenant: &Tenant) -> Result<(), db::Error> {
    s.insert_many(vec![row(tenant).into_active_model().reset_all()])
        .await?;
    Ok(())
}

async fn replace(s: &System, after: &Tenant, version: i64) -> Result<(), db::Error> {
    let row = row(after);
    let changed = s
        .update_where::<Entity>(|update| {
            update
                .col_expr(Column::DisplayName, Expr::value(row.display_name))
                .col_expr(Column::TimeZone, Expr::value(row.time_zone))
                .col_expr(Column::Suspended, Expr::value(row.suspended))
                .col_expr(Column::Version, Expr::value(row.version))
                .col_expr(Column::UpdatedAt, Expr::value(row.updated_at))
                .col_expr(Column::Quota, Expr::value(row.quota))
                .filter(Column::TenantId.eq(row.tenant_id))
                .filter(Column::Version.eq(version))
        })
        .await?;
    s.stale_if_none(changed)
}

fn row(tenant: &Tenant) -> Model {
    Model {
        tenant_id: tenant.id.uuid(),
        display_name: tenant.display_name.clone(),
        time_zone: tenant.time_zone.name().to_owned(),
        suspended: tenant.state == State::Suspended,
        version: tenant.version,
        created_at: tenant.created,
        updated_at: tenant.updated,
        quota: tenant
            .quota
            .as_ref()
            .and_then(|quota| serde_json::to_string(quota).ok()),
        access_version: 0,
    }
}

fn tenant(row: Model) -> Result<Tenant, db::Error> {
    Ok(Tenant {
        id: TenantId::from_uuid(row.tenant_id),
        display_name: row.display_name,
        time_zone: TimeZone::named(&row.time_zone)
            .ok_or(db::Error::Corrupt("a tenant's time zone"))?,
        state: state(row.suspended),
        quota: quota(row.quota.as_deref())?,
        version: row.version,
        created: row.created_at,
        updated: row.updated_at,
    })
}

fn state(suspended: bool) -> State {
    if suspended {
        State::Suspended
    } else {
        State::Active
    }
}

fn quota(stored: Option<&str>) -> Result<Option<Quota>, db::Error> {
    let read = |text| serde_json::from_str(text).map_err(|_| db::Error::Corrupt("a quota"));
    stored.map(read).transpose()
}
