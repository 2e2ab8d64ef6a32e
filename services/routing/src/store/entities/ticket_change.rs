use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_changes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) ticket_id: Uuid,
    pub(crate) changed_at: Micros,
    pub(crate) version: i64,
    pub(crate) field: String,
    pub(crate) old_value: String,
    pub(crate) new_value: String,
    pub(crate) agent_id: Option<Uuid>,
    pub(crate) principal: Option<Vec<u8>>,
    pub(crate) principal_for: Option<String>,
    pub(crate) reason: Option<Vec<u8>>,
    pub(crate) sealed_for: Option<String>,
}

super::owned!();
