use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_standings")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) agent_id: Uuid,
    pub(crate) status: String,
    pub(crate) status_reason: Option<String>,
    pub(crate) status_since: Micros,
    pub(crate) presence: String,
    pub(crate) leaving_until: Option<Micros>,
    pub(crate) idle_since: Micros,
    pub(crate) lapsed_offers: i64,
    pub(crate) busy_time: i64,
    pub(crate) staffed_time: i64,
    pub(crate) counted_until: Option<Micros>,
    pub(crate) on_shift: Option<bool>,
    pub(crate) shift_until: Option<Micros>,
    pub(crate) works_over: bool,
}

super::owned!();
