use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) state: String,
    pub(crate) waiting_on: Option<String>,
    pub(crate) subject: Option<Vec<u8>>,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) sealed_for: Option<String>,
    pub(crate) priority: String,
    pub(crate) queue_id: Uuid,
    pub(crate) owner_agent_id: Option<Uuid>,
    pub(crate) record_id: Option<Uuid>,
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) conversation_id: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) skills: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) tags: Json,
    pub(crate) root_cause: Option<String>,
    pub(crate) outcome: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) reopen_count: i64,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) resolved_at: Option<Micros>,
    pub(crate) closed_at: Option<Micros>,
    pub(crate) version: i64,
    pub(crate) impact: Option<String>,
    pub(crate) urgency: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) subcategory: Option<String>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) attributes: Option<Vec<u8>>,
    pub(crate) reassignment_count: i64,
    pub(crate) merged_into_id: Option<Uuid>,
    pub(crate) merged_count: i64,
    pub(crate) split_from_id: Option<Uuid>,
    pub(crate) resolution: Option<Vec<u8>>,
    pub(crate) repeat_of_id: Option<Uuid>,
}

super::owned!();
