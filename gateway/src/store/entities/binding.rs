//! One row a principal and a role it holds.

use rapport_foundation::id::{BindingId, RoleId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

use crate::domain::identity::Identity;
use crate::domain::role::Binding;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "role_bindings")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) role_id: Uuid,
    pub(crate) issuer: String,
    pub(crate) principal: String,
    pub(crate) created_at: Micros,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, binding: &Binding) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: binding.id.uuid(),
        role_id: binding.role.uuid(),
        issuer: binding.identity.issuer().to_owned(),
        principal: binding.identity.principal().to_owned(),
        created_at: binding.created,
    }
}

impl From<Model> for Binding {
    fn from(row: Model) -> Self {
        Binding {
            id: BindingId::from_uuid(row.id),
            role: RoleId::from_uuid(row.role_id),
            identity: Identity::new(row.issuer, row.principal),
            created: row.created_at,
        }
    }
}
