use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "record_customers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    pub customer_id: Uuid,
    pub moved_at: Micros,
}

super::tenant_owned!();
