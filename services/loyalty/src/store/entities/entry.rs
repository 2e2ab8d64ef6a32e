use rapport_foundation::db::Error;
use rapport_foundation::id::{
    EntryId, HoldId, InteractionId, LotId, MemberId, ProgramId, TenantId,
};
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};
use serde::{Deserialize, Serialize};

use crate::domain::{Allocation, Bucket, Cause, Entry, EntryKind, Hash, OrderId, Postings};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub member_id: Uuid,
    pub program_id: Uuid,
    pub sequence: i64,
    pub kind: String,
    pub points: i64,
    pub d_available: i64,
    pub d_held: i64,
    pub d_debt: i64,
    pub d_issuance: i64,
    pub d_redeemed: i64,
    pub d_expired: i64,
    #[sea_orm(column_type = "Text")]
    pub allocations: String,
    pub available_after: i64,
    pub held_after: i64,
    pub debt_after: i64,
    pub hold_id: Option<Uuid>,
    pub reverses: Option<Uuid>,
    pub order_id: Option<String>,
    pub interaction_id: Option<Uuid>,
    pub reason: Option<String>,
    pub at: Micros,
    pub hash: Vec<u8>,
}

super::tenant_owned!();

/// An allocation as JSON.
#[derive(Serialize, Deserialize)]
struct Part {
    lot: LotId,
    units: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Micros>,
}

pub(crate) fn row(tenant: TenantId, entry: &Entry) -> Result<Model, Error> {
    let part = |allocation: &Allocation| Part {
        lot: allocation.lot,
        units: allocation.units,
        from: allocation.from.map(|bucket| bucket.as_str().to_owned()),
        to: allocation.to.as_str().to_owned(),
        expires: allocation.expires_at,
    };
    let parts: Vec<Part> = entry.allocations.iter().map(part).collect();
    let cause = &entry.cause;
    Ok(Model {
        tenant_id: tenant.uuid(),
        id: entry.id.uuid(),
        member_id: entry.member.uuid(),
        program_id: entry.program.uuid(),
        sequence: entry.sequence,
        kind: entry.kind.as_str().to_owned(),
        points: entry.points,
        d_available: entry.postings.available,
        d_held: entry.postings.held,
        d_debt: entry.postings.debt,
        d_issuance: entry.postings.issuance,
        d_redeemed: entry.postings.redeemed,
        d_expired: entry.postings.expired,
        allocations: super::super::stored::to_json(&parts)?,
        available_after: entry.available_after,
        held_after: entry.held_after,
        debt_after: entry.debt_after,
        hold_id: entry.hold.map(HoldId::uuid),
        reverses: entry.reverses.map(EntryId::uuid),
        order_id: cause
            .order_id
            .as_ref()
            .map(|order| order.as_str().to_owned()),
        interaction_id: cause.interaction.map(InteractionId::uuid),
        reason: cause.reason.clone(),
        at: entry.at,
        hash: entry.hash.0.to_vec(),
    })
}

impl TryFrom<Part> for Allocation {
    type Error = Error;

    fn try_from(part: Part) -> Result<Self, Error> {
        let bucket =
            |name: &str| Bucket::parse(name).ok_or(Error::Corrupt("an allocation of an entry"));
        Ok(Self {
            lot: part.lot,
            units: part.units,
            from: part.from.as_deref().map(bucket).transpose()?,
            to: bucket(&part.to)?,
            expires_at: part.expires,
        })
    }
}

impl TryFrom<Model> for Entry {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let parts: Vec<Part> = super::super::stored::from_json(&row.allocations)?;
        Ok(Self {
            id: EntryId::from_uuid(row.id),
            member: MemberId::from_uuid(row.member_id),
            program: ProgramId::from_uuid(row.program_id),
            sequence: row.sequence,
            kind: EntryKind::parse(&row.kind).ok_or(Error::Corrupt("the kind of an entry"))?,
            points: row.points,
            postings: Postings {
                available: row.d_available,
                held: row.d_held,
                debt: row.d_debt,
                issuance: row.d_issuance,
                redeemed: row.d_redeemed,
                expired: row.d_expired,
            },
            allocations: parts
                .into_iter()
                .map(Allocation::try_from)
                .collect::<Result<_, _>>()?,
            available_after: row.available_after,
            held_after: row.held_after,
            debt_after: row.debt_after,
            hold: row.hold_id.map(HoldId::from_uuid),
            reverses: row.reverses.map(EntryId::from_uuid),
            cause: Cause {
                order_id: row.order_id.as_deref().and_then(OrderId::new),
                interaction: row.interaction_id.map(InteractionId::from_uuid),
                reason: row.reason,
            },
            at: row.at,
            hash: Hash::from_slice(&row.hash).ok_or(Error::Corrupt("the hash of an entry"))?,
        })
    }
}
