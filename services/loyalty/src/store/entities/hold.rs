use rapport_foundation::db::Error;
use rapport_foundation::id::{HoldId, LotId, MemberId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};
use serde::{Deserialize, Serialize};

use crate::domain::{Hold, HoldAllocation, HoldState, OrderId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "holds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub member_id: Uuid,
    pub amount: i64,
    pub captured: i64,
    pub voided: i64,
    pub expired: i64,
    pub state: String,
    #[sea_orm(column_type = "Text")]
    pub allocations: String,
    pub order_id: Option<String>,
    pub expires_at: Micros,
    pub created_at: Micros,
    pub version: i64,
}

super::tenant_owned!();

/// A part of a hold as JSON.
#[derive(Serialize, Deserialize)]
struct Part {
    lot: LotId,
    units: i64,
}

pub(crate) fn row(tenant: TenantId, hold: &Hold) -> Result<Model, Error> {
    let parts: Vec<Part> = hold
        .allocations
        .iter()
        .map(|part| Part {
            lot: part.lot,
            units: part.units,
        })
        .collect();
    Ok(Model {
        tenant_id: tenant.uuid(),
        id: hold.id.uuid(),
        member_id: hold.member.uuid(),
        amount: hold.amount,
        captured: hold.captured,
        voided: hold.voided,
        expired: hold.expired,
        state: hold.state.as_str().to_owned(),
        allocations: super::super::stored::to_json(&parts)?,
        order_id: hold
            .order_id
            .as_ref()
            .map(|order| order.as_str().to_owned()),
        expires_at: hold.expires_at,
        created_at: hold.created_at,
        version: hold.version,
    })
}

impl TryFrom<Model> for Hold {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let parts: Vec<Part> = super::super::stored::from_json(&row.allocations)?;
        Ok(Self {
            id: HoldId::from_uuid(row.id),
            member: MemberId::from_uuid(row.member_id),
            amount: row.amount,
            captured: row.captured,
            voided: row.voided,
            expired: row.expired,
            state: HoldState::parse(&row.state).ok_or(Error::Corrupt("the state of a hold"))?,
            allocations: parts
                .iter()
                .map(|part| HoldAllocation {
                    lot: part.lot,
                    units: part.units,
                })
                .collect(),
            order_id: row.order_id.as_deref().and_then(OrderId::new),
            expires_at: row.expires_at,
            created_at: row.created_at,
            version: row.version,
        })
    }
}
