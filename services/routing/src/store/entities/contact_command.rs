use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_commands")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) work_item_id: Uuid,
    pub(crate) interaction_id: Uuid,
    pub(crate) connector: String,
    pub(crate) kind: String,
    pub(crate) agent_id: Option<Uuid>,
    pub(crate) queue_id: Option<Uuid>,
    pub(crate) desk_id: Option<Uuid>,
    pub(crate) next_id: Option<Uuid>,
    pub(crate) consult: bool,
    pub(crate) state: String,
    pub(crate) attempt: i64,
    pub(crate) may_be_done: bool,
    pub(crate) stream: Option<Uuid>,
    pub(crate) made_at: Micros,
    pub(crate) ready_at: Micros,
    pub(crate) expires_at: Micros,
    pub(crate) lease_until: Micros,
    pub(crate) ended_at: Option<Micros>,
    pub(crate) reason: String,
    pub(crate) version: i64,
}

super::owned!();
