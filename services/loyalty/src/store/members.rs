use rapport_foundation::db::{Error, Rows, Scoped};
use rapport_foundation::id::{CustomerId, MemberId, ProgramId, RecordId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, Condition, IntoActiveModel as _};
use uuid::Uuid;

use super::customers;
use super::entities::account;
use super::entities::member::{Column, Entity, Model, row};
use crate::domain::{Account, Member};

/// Which members are looked for; both conditions must hold when given.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    pub(crate) program: Option<ProgramId>,
    pub(crate) customer: Option<CustomerId>,
}

/// The place of the next enrolment of this customer. Taken **before** it is looked whether there is a
/// member: then of two enrolments at once the second finds the member or the place taken.
pub(crate) async fn slot(
    s: &Scoped,
    program: ProgramId,
    customer: CustomerId,
) -> Result<i64, Error> {
    let earlier = s
        .find::<Entity>()
        .filter(Column::ProgramId.eq(program.uuid()))
        .filter(Column::CustomerId.eq(customer.uuid()))
        .count()
        .await?;
    Ok(i64::try_from(earlier).unwrap_or(i64::MAX))
}

/// Stores a new member with an empty account. [`Error::Unique`] when the place is taken.
pub(crate) async fn insert(s: &Scoped, member: &Member, slot: i64) -> Result<(), Error> {
    s.insert(row(s.tenant(), member, slot).into_active_model())
        .await?;
    let account = Account::open(s.tenant(), member.program, member.id, member.enrolled_at);
    s.insert(account::row(&account, None).into_active_model())
        .await?;
    Ok(())
}

pub(crate) async fn get(s: &Scoped, id: MemberId) -> Result<Option<Member>, Error> {
    Ok(many(s, [id]).await?.pop())
}

pub(crate) async fn many(
    s: &Scoped,
    ids: impl IntoIterator<Item = MemberId>,
) -> Result<Vec<Member>, Error> {
    let ids: Vec<Uuid> = ids.into_iter().map(MemberId::uuid).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    members(s, s.find::<Entity>().filter(Column::Id.is_in(ids))).await
}

/// Every member that is this customer now, oldest first.
pub(crate) async fn of_customer(s: &Scoped, customer: CustomerId) -> Result<Vec<Member>, Error> {
    let filter = Filter {
        customer: Some(customer),
        program: None,
    };
    members(s, filtered(s, filter).await?.order_by_asc(Column::Id)).await
}

/// Newest first, those older than `before`.
pub(crate) async fn page(
    s: &Scoped,
    filter: Filter,
    before: Option<MemberId>,
    limit: u64,
) -> Result<Vec<Member>, Error> {
    let mut rows = filtered(s, filter)
        .await?
        .order_by_desc(Column::Id)
        .limit(limit);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before.uuid()));
    }
    members(s, rows).await
}

async fn filtered(s: &Scoped, filter: Filter) -> Result<Rows<Entity>, Error> {
    let mut rows = s.find::<Entity>();
    if let Some(program) = filter.program {
        rows = rows.filter(Column::ProgramId.eq(program.uuid()));
    }
    if let Some(customer) = filter.customer {
        // Whose record was moved to the customer, or who came as the customer and was not moved.
        let unmoved = Expr::cust(
            "not exists (select 1 from record_customers r \
             where r.tenant_id = members.tenant_id and r.record_id = members.record_id)",
        );
        let came = Condition::all()
            .add(Column::CustomerId.eq(customer.uuid()))
            .add(unmoved);
        let moved = Column::RecordId.is_in(customers::moved_to(s, customer).await?);
        rows = rows.filter(Condition::any().add(came).add(moved));
    }
    Ok(rows)
}

async fn members(s: &Scoped, rows: Rows<Entity>) -> Result<Vec<Member>, Error> {
    let rows = rows.all().await?;
    let record = |row: &Model| RecordId::from_uuid(row.record_id);
    let moved = customers::moved(s, rows.iter().map(record)).await?;
    let member = |row: Model| {
        let now = moved.get(&record(&row)).copied();
        row.member(now)
    };
    Ok(rows.into_iter().map(member).collect())
}
