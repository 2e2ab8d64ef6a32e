use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "offers")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) work_item_id: Uuid,
    pub(crate) agent_id: Uuid,
    pub(crate) outcome: String,
    pub(crate) made_at: Micros,
    pub(crate) expires_at: Micros,
    pub(crate) ended_at: Option<Micros>,
    pub(crate) broadcast: bool,
}

super::owned!();
