use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "queue_turns")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) queue_id: Uuid,
    pub(crate) last_agent_id: Option<Uuid>,
    pub(crate) taken: i64,
    pub(crate) taken_at: Micros,
}

super::owned!();
