use rapport_foundation::id::{CustomerId, MemberId, ProgramId, RecordId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

use crate::domain::{CustomerRef, Member};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub program_id: Uuid,
    /// The customer at the enrolment; never rewritten.
    pub customer_id: Uuid,
    pub record_id: Uuid,
    pub slot: i64,
    pub enrolled_at: Micros,
    pub version: i64,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, member: &Member, slot: i64) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: member.id.uuid(),
        program_id: member.program.uuid(),
        customer_id: member.customer.customer.uuid(),
        record_id: member.customer.record.uuid(),
        slot,
        enrolled_at: member.enrolled_at,
        version: member.version,
    }
}

impl Model {
    /// The member, whose record belongs to `now` since a merge, or still to the customer of the enrolment.
    pub(crate) fn member(self, now: Option<CustomerId>) -> Member {
        Member {
            id: MemberId::from_uuid(self.id),
            program: ProgramId::from_uuid(self.program_id),
            customer: CustomerRef {
                customer: now.unwrap_or_else(|| CustomerId::from_uuid(self.customer_id)),
                record: RecordId::from_uuid(self.record_id),
            },
            enrolled_at: self.enrolled_at,
            version: self.version,
        }
    }
}
