use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_slas")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) ticket_id: Uuid,
    pub(crate) is_open: bool,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) record: Option<Json>,
    pub(crate) next_at: Option<Micros>,
}

super::owned!();
