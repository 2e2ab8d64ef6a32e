//! One row a role that a tenant made.

use rapport_foundation::db::Error;
use rapport_foundation::id::{RoleId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

use super::{names, stored};
use crate::domain::role::Role;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "custom_roles")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) display_name: String,
    pub(crate) scopes: String,
    pub(crate) version: i64,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, role: &Role) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: role.id.uuid(),
        display_name: role.display_name.clone(),
        scopes: stored(&role.scopes),
        version: role.version,
        created_at: role.created,
        updated_at: role.updated,
    }
}

impl TryFrom<Model> for Role {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Role {
            id: RoleId::from_uuid(row.id),
            display_name: row.display_name,
            scopes: names(&row.scopes)?,
            version: row.version,
            created: row.created_at,
            updated: row.updated_at,
        })
    }
}
