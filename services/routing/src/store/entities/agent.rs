use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agents")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) principal: Vec<u8>,
    pub(crate) principal_index: Vec<u8>,
    pub(crate) display_name: Vec<u8>,
    pub(crate) address: Option<Vec<u8>>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) skills: Json,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) skills_until: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) capacities: Json,
    pub(crate) usual_capacity: i64,
    pub(crate) total_capacity: Option<i64>,
    pub(crate) capacity_since: Micros,
    pub(crate) work_selection: String,
    pub(crate) kind: String,
    pub(crate) shift_calendar_id: Option<Uuid>,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) version: i64,
}

super::owned!();
