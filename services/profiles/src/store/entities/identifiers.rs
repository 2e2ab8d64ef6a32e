//! Rows of `identifiers`.

use rapport_foundation::db::TenantOwned;
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

use uuid::Uuid;

/// One identifier of one record, for a time.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identifiers")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The record that brought it.
    pub record_id: Uuid,
    /// Code of the kind.
    pub kind: i16,
    /// Where the value is unique.
    pub namespace: String,
    /// What equality is searched by.
    pub blind: Vec<u8>,
    /// The value, sealed under the record.
    pub value: Vec<u8>,
    /// From when it is theirs.
    pub valid_from: Micros,
    /// Until when it was; absent while it is.
    pub valid_until: Option<Micros>,
}

/// None are declared: queries join by hand.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TenantOwned for Entity {
    fn tenant_column() -> Column {
        Column::TenantId
    }
}
