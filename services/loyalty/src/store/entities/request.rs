use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub principal: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub method: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    pub hash: Vec<u8>,
    pub member_id: Uuid,
    pub entry_id: Option<Uuid>,
    pub hold_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub balance: String,
    pub created_at: Micros,
}

super::tenant_owned!();
