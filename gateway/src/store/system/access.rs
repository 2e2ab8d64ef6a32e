//! What every replica keeps in memory.

use rapport_foundation::db;
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use sea_orm::ColumnTrait as _;

use super::api_keys::live_keys;
use super::revocations::effective;
use super::roles::given;
use super::{Store, quota, state};
use crate::domain::access::Access;
use crate::domain::api_key::ApiKey;
use crate::domain::quota::Quota;
use crate::domain::tenant::State;
use crate::store::entities::tenant::{Column, Entity, Model};

/// What every call asks about its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantRow {
    /// Its id.
    pub id: TenantId,
    /// Whether its principals may call.
    pub state: State,
    /// What they may use together.
    pub quota: Option<Quota>,
    /// Counts the changes of its keys, roles and revocations.
    pub access_version: i64,
}

/// What a tenant says of its principals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its keys that may be used.
    pub keys: Vec<ApiKey>,
    /// Roles and revocations.
    pub access: Access,
}

impl Store {
    /// Every tenant.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, db::Error> {
        let rows = self
            .db
            .system_read(|s| async move { s.find::<Entity>().all().await })
            .await?;
        rows.into_iter().map(tenant_row).collect()
    }

    /// One tenant, if there is any.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<TenantRow>, db::Error> {
        let row = self
            .db
            .system_read(|s| async move {
                let one = s.find::<Entity>().filter(Column::TenantId.eq(id.uuid()));
                one.one().await
            })
            .await?;
        row.map(tenant_row).transpose()
    }

    /// What a tenant says of its principals now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reading(&self, tenant: TenantId, now: Micros) -> Result<Reading, db::Error> {
        self.db
            .system_read(|s| async move {
                let own = s.scoped(tenant);
                let revocations = effective(&own, now).await?.into_iter().collect();
                Ok(Reading {
                    keys: live_keys(&own, now).await?,
                    access: Access::new(given(&own).await?, revocations),
                })
            })
            .await
    }
}

fn tenant_row(row: Model) -> Result<TenantRow, db::Error> {
    Ok(TenantRow {
        id: TenantId::from_uuid(row.tenant_id),
        state: state(row.suspended),
        quota: quota(row.quota.as_deref())?,
        access_version: row.access_version,
    })
}
