//! Rows of `customers`.

use rapport_foundation::db::TenantOwned;
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

use uuid::Uuid;

/// One customer.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Code of the state.
    pub state: i16,
    /// The customer it was merged into.
    pub merged_into: Option<Uuid>,
    /// The customer it is part of in the end.
    pub part_of: Uuid,
    /// The record it began with.
    pub founder: Uuid,
    /// Sealed under the founder.
    pub display_name: Option<Vec<u8>>,
    /// Sealed under the founder.
    pub given_name: Option<Vec<u8>>,
    /// Sealed under the founder.
    pub family_name: Option<Vec<u8>>,
    /// Code of the kind.
    pub kind: Option<i16>,
    /// Code of the stage.
    pub stage: Option<i16>,
    /// Code of the preferred channel.
    pub channel: Option<i16>,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// When it was created.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was deleted.
    pub deleted_at: Option<Micros>,
    /// Counts its changes.
    pub version: i64,
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
