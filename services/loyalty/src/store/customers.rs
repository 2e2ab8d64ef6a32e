//! Which customer a record belongs to: rows exist for records that a merge has moved, others belong to the
//! customer they came with.

use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CustomerId, RecordId};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, IntoActiveModel as _};
use uuid::Uuid;

use super::entities::record_customer::{Column, Entity, Model};

/// From now on these records belong to these customers.
pub(crate) async fn move_records(
    s: &Scoped,
    moves: &[(RecordId, CustomerId)],
    at: Micros,
) -> Result<(), Error> {
    // The last move of a record counts: one statement may not touch a row twice.
    let latest: HashMap<RecordId, CustomerId> = moves.iter().copied().collect();
    let rows = latest.into_iter().map(|(record, customer)| Model {
        tenant_id: s.tenant().uuid(),
        record_id: record.uuid(),
        customer_id: customer.uuid(),
        moved_at: at,
    });
    let rows = rows.map(Model::into_active_model).collect();
    let key = [Column::TenantId, Column::RecordId];
    s.upsert_many(rows, key, [Column::CustomerId, Column::MovedAt])
        .await
}

/// Of these records, those that were moved, with the customer they belong to now.
pub(crate) async fn moved(
    s: &Scoped,
    records: impl IntoIterator<Item = RecordId>,
) -> Result<HashMap<RecordId, CustomerId>, Error> {
    let records: Vec<Uuid> = records.into_iter().map(RecordId::uuid).collect();
    if records.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = s
        .find::<Entity>()
        .filter(Column::RecordId.is_in(records))
        .all()
        .await?;
    let pair = |row: Model| {
        (
            RecordId::from_uuid(row.record_id),
            CustomerId::from_uuid(row.customer_id),
        )
    };
    Ok(rows.into_iter().map(pair).collect())
}

/// The moved records that belong to a customer now.
pub(crate) async fn moved_to(s: &Scoped, customer: CustomerId) -> Result<Vec<Uuid>, Error> {
    let rows = s
        .find::<Entity>()
        .filter(Column::CustomerId.eq(customer.uuid()))
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.record_id).collect())
}
