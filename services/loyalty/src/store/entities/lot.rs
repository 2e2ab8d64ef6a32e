use rapport_foundation::id::{EntryId, LotId, MemberId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

use crate::domain::Lot;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lots")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub member_id: Uuid,
    pub earned_by: Uuid,
    pub earned_sequence: i64,
    pub amount: i64,
    pub available: i64,
    pub held: i64,
    pub redeemed: i64,
    pub expired: i64,
    pub taken: i64,
    pub active_at: Micros,
    pub expires_at: Option<Micros>,
    pub created_at: Micros,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, lot: &Lot) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: lot.id.uuid(),
        member_id: lot.member.uuid(),
        earned_by: lot.earned_by.uuid(),
        earned_sequence: lot.earned_sequence,
        amount: lot.amount,
        available: lot.available,
        held: lot.held,
        redeemed: lot.redeemed,
        expired: lot.expired,
        taken: lot.taken,
        active_at: lot.active_at,
        expires_at: lot.expires_at,
        created_at: lot.created_at,
    }
}

impl From<Model> for Lot {
    fn from(row: Model) -> Self {
        Self {
            id: LotId::from_uuid(row.id),
            member: MemberId::from_uuid(row.member_id),
            earned_by: EntryId::from_uuid(row.earned_by),
            earned_sequence: row.earned_sequence,
            amount: row.amount,
            available: row.available,
            held: row.held,
            redeemed: row.redeemed,
            expired: row.expired,
            taken: row.taken,
            active_at: row.active_at,
            expires_at: row.expires_at,
            created_at: row.created_at,
        }
    }
}
