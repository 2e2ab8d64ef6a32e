use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_policies")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) state: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) rules: Json,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) published_at: Option<Micros>,
    pub(crate) revision: i64,
}

super::owned!();
