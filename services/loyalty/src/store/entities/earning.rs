use rapport_foundation::db::Error;
use rapport_foundation::id::{EntryId, MemberId, ProgramId, TenantId};
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

use crate::domain::{Earning, OrderId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "earnings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub program_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: String,
    pub member_id: Uuid,
    pub total_units: i64,
    pub total_code: String,
    pub total_exponent: i16,
    pub points: i64,
    pub entry_id: Option<Uuid>,
    pub created_at: Micros,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, earning: &Earning) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        program_id: earning.program.uuid(),
        order_id: earning.order_id.as_str().to_owned(),
        member_id: earning.member.uuid(),
        total_units: earning.total.units,
        total_code: earning.total.code.clone(),
        total_exponent: earning.total.exponent,
        points: earning.points,
        entry_id: earning.entry.map(EntryId::uuid),
        created_at: earning.created_at,
    }
}

impl TryFrom<Model> for Earning {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            program: ProgramId::from_uuid(row.program_id),
            order_id: OrderId::new(&row.order_id).ok_or(Error::Corrupt("the key of an order"))?,
            member: MemberId::from_uuid(row.member_id),
            total: Amount::new(row.total_units, row.total_code, row.total_exponent),
            points: row.points,
            entry: row.entry_id.map(EntryId::from_uuid),
            created_at: row.created_at,
        })
    }
}
