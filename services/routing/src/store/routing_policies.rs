use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{RoutingPolicyId, TenantId};
use sea_orm::{ColumnTrait as _, Condition, Iterable as _};
use uuid::Uuid;

use super::columns::{json_in, json_out, named};
use super::entities::routing_policy::{ActiveModel, Column, Entity, Model};
use super::{Page, Store};
use crate::domain::policy::{PolicyState, RoutingPolicy};

/// Rows in one statement.
const CHUNK: usize = 400;

impl Store {
    /// One version.
    pub(crate) async fn routing_policy(
        &self,
        tenant: TenantId,
        id: RoutingPolicyId,
    ) -> Result<Option<RoutingPolicy>, Error> {
        let find = |s: Scoped| async move { Ok(by_id(&s, &[id]).await?.pop()) };
        self.db.read(tenant, find).await
    }

    /// The version that holds.
    pub(crate) async fn published_routing_policy(
        &self,
        tenant: TenantId,
    ) -> Result<Option<RoutingPolicy>, Error> {
        self.db
            .read(tenant, |s: Scoped| async move { published(&s).await })
            .await
    }

    /// The versions, newest first, behind `after`; in this state, if one is given.
    pub(crate) async fn routing_policies(
        &self,
        tenant: TenantId,
        state: Option<PolicyState>,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<RoutingPolicy>, Error> {
        let wanted =
            Condition::all().add_option(state.map(|state| Column::State.eq(state.as_str())));
        let rows =
            self.newest::<Entity, RoutingPolicy>(tenant, Column::Id, wanted, after, size, read);
        let rows = rows.await?;
        Ok(Page::of(rows, size, |row| row.id.uuid()))
    }
}

/// These versions.
pub(super) async fn by_id(
    s: &Scoped,
    ids: &[RoutingPolicyId],
) -> Result<Vec<RoutingPolicy>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = s.among(Column::Id, ids.iter().map(|id| id.uuid()));
    let rows = s.find::<Entity>().filter(ids).all().await?;
    rows.into_iter().map(read).collect()
}

/// The version that holds.
pub(super) async fn published(s: &Scoped) -> Result<Option<RoutingPolicy>, Error> {
    let held = Column::State.eq(PolicyState::Published.as_str());
    let row = s.find::<Entity>().filter(held).one().await?;
    row.map(read).transpose()
}

/// How many versions there are.
pub(super) async fn count(s: &Scoped) -> Result<i64, Error> {
    let rows = s.find::<Entity>().order_by_desc(Column::Version);
    let newest = rows.limit(1).one().await?;
    Ok(newest.map_or(0, |row| row.version))
}

/// Stores versions as they are now.
pub(super) async fn put(s: &Scoped, policies: &[RoutingPolicy]) -> Result<(), Error> {
    for chunk in policies.chunks(CHUNK) {
        let rows = chunk.iter().map(|one| write(s.tenant(), one));
        let rows: Result<Vec<Model>, Error> = rows.collect();
        let rows = rows?.into_iter().map(ActiveModel::from).collect();
        let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, policy: &RoutingPolicy) -> Result<Model, Error> {
    Ok(Model {
        tenant_id: tenant.uuid(),
        id: policy.id.uuid(),
        version: policy.version,
        state: policy.state.as_str().to_owned(),
        rules: json_out(&policy.rules)?,
        created_at: policy.created_at,
        updated_at: policy.updated_at,
        published_at: policy.published_at,
        revision: policy.revision,
    })
}

fn read(row: Model) -> Result<RoutingPolicy, Error> {
    Ok(RoutingPolicy {
        id: RoutingPolicyId::from_uuid(row.id),
        version: row.version,
        state: named(PolicyState::named(&row.state))?,
        rules: json_in(row.rules)?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        published_at: row.published_at,
        revision: row.revision,
    })
}
