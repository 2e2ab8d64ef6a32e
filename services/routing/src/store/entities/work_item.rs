use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "work_items")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) ticket_id: Uuid,
    pub(crate) interaction_id: Option<Uuid>,
    pub(crate) record_id: Option<Uuid>,
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) queue_id: Uuid,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) skills: Json,
    pub(crate) priority: String,
    pub(crate) queued_at: Micros,
    pub(crate) offers_made: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) declines: Json,
    pub(crate) settled: bool,
    pub(crate) state: String,
    pub(crate) agent_id: Option<Uuid>,
    pub(crate) offer_id: Option<Uuid>,
    pub(crate) offered_at: Option<Micros>,
    pub(crate) offer_expires_at: Option<Micros>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) other_offers: Option<Json>,
    pub(crate) accepted_at: Option<Micros>,
    pub(crate) handled_at: Option<Micros>,
    pub(crate) wrap_up_until: Option<Micros>,
    pub(crate) ended_at: Option<Micros>,
    pub(crate) disposition: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) route: Option<Json>,
    pub(crate) traceparent: Option<String>,
    pub(crate) answered_at: Option<Micros>,
    pub(crate) answered_queue_id: Option<Uuid>,
    pub(crate) in_time: bool,
    pub(crate) left_early: bool,
    pub(crate) handled_before: i64,
    pub(crate) over_capacity: bool,
    pub(crate) handed_over: bool,
    pub(crate) promised_p50: Option<i64>,
    pub(crate) promised_p90: Option<i64>,
    pub(crate) previous_id: Option<Uuid>,
    pub(crate) next_id: Option<Uuid>,
    pub(crate) hops: i64,
    pub(crate) turn_at: Option<Micros>,
    pub(crate) kept_for_id: Option<Uuid>,
    pub(crate) kept_until: Option<Micros>,
    pub(crate) note_id: Option<Uuid>,
    pub(crate) held_since: Option<Micros>,
    pub(crate) held: i64,
    pub(crate) connector: Option<String>,
    pub(crate) commanded: bool,
    pub(crate) contact_over: bool,
    pub(crate) consult_id: Option<Uuid>,
    pub(crate) consult_of_id: Option<Uuid>,
    pub(crate) conference: bool,
    pub(crate) callback_attempts: Option<i64>,
    pub(crate) callback_pause: i64,
    pub(crate) callback_paused_until: Option<Micros>,
    pub(crate) callback_called: bool,
    pub(crate) parked_since: Option<Micros>,
    pub(crate) parked_until: Option<Micros>,
    pub(crate) parked_before: i64,
    pub(crate) callback_called_at: Option<Micros>,
    pub(crate) was_asked: bool,
    pub(crate) held_before: bool,
    pub(crate) version: i64,
}

super::owned!();
