use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{SlaPolicyId, TenantId};
use sea_orm::{ColumnTrait as _, Condition, Iterable as _};
use uuid::Uuid;

use super::columns::{code, json_in, json_out};
use super::entities::sla_policy::{ActiveModel, Column, Entity, Model};
use super::entities::sla_policy_version as version;
use super::{Page, Store};
use crate::domain::Code;
use crate::domain::sla::{Book, Policy, Promise};

/// Rows in one statement.
const CHUNK: usize = 400;

impl Store {
    /// One policy.
    pub(crate) async fn policy(
        &self,
        tenant: TenantId,
        id: SlaPolicyId,
    ) -> Result<Option<Policy>, Error> {
        let find = |s: Scoped| async move {
            let rows = s.find::<Entity>().filter(Column::Id.eq(id.uuid()));
            rows.one().await?.map(read).transpose()
        };
        self.db.read(tenant, find).await
    }

    /// The policies, newest first, behind `after`; of this code, if one is given.
    pub(crate) async fn policies(
        &self,
        tenant: TenantId,
        code: Option<&Code>,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<Policy>, Error> {
        let wanted = Condition::all().add_option(code.map(|code| Column::Code.eq(code.as_str())));
        let rows = self.newest::<Entity, Policy>(tenant, Column::Id, wanted, after, size, read);
        let rows = rows.await?;
        Ok(Page::of(rows, size, |row| row.id.uuid()))
    }

    /// What a version of a policy said.
    pub(crate) async fn policy_at(
        &self,
        tenant: TenantId,
        id: SlaPolicyId,
        at: i64,
    ) -> Result<Option<Promise>, Error> {
        let find = |s: Scoped| async move {
            let rows = s
                .find::<version::Entity>()
                .filter(version::Column::SlaPolicyId.eq(id.uuid()))
                .filter(version::Column::Version.eq(at));
            let row = rows.one().await?;
            row.map(|row| json_in(row.promise)).transpose()
        };
        self.db.read(tenant, find).await
    }

    /// Everything that is promised now.
    pub(crate) async fn book(&self, tenant: TenantId) -> Result<Book, Error> {
        self.db
            .read(tenant, |s: Scoped| async move { book(&s).await })
            .await
    }
}

/// Everything that is promised now.
pub(super) async fn book(s: &Scoped) -> Result<Book, Error> {
    let calendars = super::calendars::all(s).await?.into_iter();
    let policies = all(s).await?.into_iter();
    Ok(Book {
        calendars: calendars.map(|calendar| (calendar.id, calendar)).collect(),
        policies: policies.map(|policy| (policy.id, policy)).collect(),
    })
}

/// Every policy of the tenant.
pub(super) async fn all(s: &Scoped) -> Result<Vec<Policy>, Error> {
    let rows = s.find::<Entity>().all().await?;
    rows.into_iter().map(read).collect()
}

/// Stores policies as they are now, and keeps what they said.
pub(super) async fn put(s: &Scoped, policies: &[Policy]) -> Result<(), Error> {
    for chunk in policies.chunks(CHUNK) {
        let rows = chunk.iter().map(|one| write(s.tenant(), one));
        let rows: Vec<Model> = rows.collect::<Result<_, Error>>()?;
        let versions = rows.iter().map(|row| {
            version::ActiveModel::from(version::Model {
                tenant_id: row.tenant_id,
                sla_policy_id: row.id,
                version: row.version,
                promise: row.promise.clone(),
            })
        });
        let key = [
            version::Column::TenantId,
            version::Column::SlaPolicyId,
            version::Column::Version,
        ];
        s.insert_fresh(versions.collect(), key).await?;
        let rows = rows.into_iter().map(ActiveModel::from).collect();
        let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, policy: &Policy) -> Result<Model, Error> {
    Ok(Model {
        tenant_id: tenant.uuid(),
        id: policy.id.uuid(),
        code: policy.code.to_string(),
        display_name: policy.display_name.clone(),
        promise: json_out(&policy.promise)?,
        created_at: policy.created_at,
        updated_at: policy.updated_at,
        version: policy.version,
    })
}

fn read(row: Model) -> Result<Policy, Error> {
    Ok(Policy {
        id: SlaPolicyId::from_uuid(row.id),
        code: code(&row.code)?,
        display_name: row.display_name,
        promise: json_in(row.promise)?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    })
}
