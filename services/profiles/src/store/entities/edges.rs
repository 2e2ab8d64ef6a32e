//! Rows of `edges`.

use rapport_foundation::db::TenantOwned;
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};
use sea_orm::prelude::Json;
use uuid::Uuid;

/// One edge between two records.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "edges")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Code of what it says.
    pub kind: i16,
    /// Code of what it rests on.
    pub basis: i16,
    /// The record it starts from.
    pub from_record: Uuid,
    /// The record it leads to.
    pub to_record: Uuid,
    /// How sure it is, in thousandths.
    pub weight: i16,
    /// Why it is there, in codes.
    #[sea_orm(column_type = "JsonBinary")]
    pub explanation: Json,
    /// Who put it there.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// What they said; sealed under the record it starts from.
    pub reason: Option<Vec<u8>>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// When it was revoked; absent while it holds.
    pub revoked_at: Option<Micros>,
    /// What they said; sealed under the record it starts from.
    pub revoke_reason: Option<Vec<u8>>,
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
