use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "queues")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) code: String,
    pub(crate) display_name: String,
    pub(crate) default_priority: String,
    pub(crate) offer_timeout: i64,
    pub(crate) wrap_up: i64,
    pub(crate) max_lapsed_offers: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) skills: Json,
    pub(crate) most_waiting: Option<i64>,
    pub(crate) overflow_id: Option<Uuid>,
    pub(crate) answer_target: i64,
    pub(crate) short_abandon: i64,
    pub(crate) selection: String,
    pub(crate) most_occupancy_spread: Option<i64>,
    pub(crate) weight: i64,
    pub(crate) broadcast: i64,
    pub(crate) commanded: bool,
    pub(crate) most_wrap_up: i64,
    pub(crate) preference: String,
    pub(crate) preference_time: i64,
    pub(crate) opening_calendar_id: Option<Uuid>,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) version: i64,
}

super::owned!();
