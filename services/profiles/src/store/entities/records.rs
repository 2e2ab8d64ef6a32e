//! Rows of `records`.

use rapport_foundation::db::TenantOwned;
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

use uuid::Uuid;

/// One source record; never updated.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "records")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The customer it came in for.
    pub customer_id: Uuid,
    /// Where it comes from.
    pub source: String,
    /// Keyed hash of all the identifiers it came with.
    pub identifier_set: Vec<u8>,
    /// As the source said it; sealed under this record.
    pub display_name: Option<Vec<u8>>,
    /// As the source said it.
    pub language: Option<String>,
    /// As the source said it.
    pub time_zone: Option<String>,
    /// When the source saw it.
    pub seen_at: Micros,
    /// When it was stored.
    pub created_at: Micros,
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
