use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hand_overs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) work_item_id: Uuid,
    pub(crate) ticket_id: Uuid,
    pub(crate) agent_id: Uuid,
    pub(crate) handed_over_at: Micros,
    pub(crate) words: Vec<u8>,
    pub(crate) sealed_for: String,
}

super::owned!();
