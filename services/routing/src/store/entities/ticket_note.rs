use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_notes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) ticket_id: Uuid,
    pub(crate) created_at: Micros,
    pub(crate) agent_id: Option<Uuid>,
    pub(crate) principal: Option<Vec<u8>>,
    pub(crate) principal_for: Option<String>,
    pub(crate) words: Vec<u8>,
    pub(crate) sealed_for: String,
}

super::owned!();
