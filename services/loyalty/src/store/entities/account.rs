use rapport_foundation::db::Error;
use rapport_foundation::id::{MemberId, ProgramId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

use crate::domain::{Account, Hash};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub member_id: Uuid,
    pub program_id: Uuid,
    pub available: i64,
    pub held: i64,
    pub debt: i64,
    pub sequence: i64,
    pub head: Vec<u8>,
    pub changed_at: Micros,
    pub next_due_at: Option<Micros>,
    pub version: i64,
}

super::tenant_owned!();

pub(crate) fn row(account: &Account, next_due_at: Option<Micros>) -> Model {
    Model {
        tenant_id: account.tenant.uuid(),
        member_id: account.member.uuid(),
        program_id: account.program.uuid(),
        available: account.available,
        held: account.held,
        debt: account.debt,
        sequence: account.sequence,
        head: account.head.0.to_vec(),
        changed_at: account.changed_at,
        next_due_at,
        version: account.version,
    }
}

impl TryFrom<Model> for Account {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            member: MemberId::from_uuid(row.member_id),
            program: ProgramId::from_uuid(row.program_id),
            available: row.available,
            held: row.held,
            debt: row.debt,
            sequence: row.sequence,
            head: Hash::from_slice(&row.head).ok_or(Error::Corrupt("the head of a chain"))?,
            changed_at: row.changed_at,
            version: row.version,
        })
    }
}
