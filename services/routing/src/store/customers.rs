//! Which customer a source record belongs to today.

use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CustomerId, RecordId, TenantId};
use sea_orm::{ActiveValue, ColumnTrait as _};
use uuid::Uuid;

use super::Store;
use super::entities::customer_map::{ActiveModel, Column, Entity};
use crate::domain::CustomerRef;

/// Rows in one statement.
const CHUNK: usize = 1000;

impl Store {
    /// Moves records to the customers they belong to now; in the transaction of the event.
    pub(crate) async fn move_records(s: &Scoped, moves: &[CustomerRef]) -> Result<(), Error> {
        put(s, moves).await
    }

    /// The customers of these records today.
    pub(crate) async fn customers_of(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, CustomerId>, Error> {
        let find = |s: Scoped| async move { of_records(&s, records).await };
        self.db.read(tenant, find).await
    }
}

/// The customers of these records.
pub(super) async fn of_records(
    s: &Scoped,
    records: &[RecordId],
) -> Result<HashMap<RecordId, CustomerId>, Error> {
    let mut known = HashMap::new();
    for chunk in records.chunks(CHUNK) {
        let ids = chunk.iter().map(|id| id.uuid());
        for row in s
            .find::<Entity>()
            .filter(s.among(Column::RecordId, ids))
            .all()
            .await?
        {
            let customer = CustomerId::from_uuid(row.customer_id);
            known.insert(RecordId::from_uuid(row.record_id), customer);
        }
    }
    Ok(known)
}

/// The records of a customer.
pub(super) async fn records_of(s: &Scoped, customer: CustomerId) -> Result<Vec<Uuid>, Error> {
    let theirs = Column::CustomerId.eq(customer.uuid());
    let rows = s.find::<Entity>().filter(theirs).all().await?;
    Ok(rows.into_iter().map(|row| row.record_id).collect())
}

/// Notes records nobody has heard of; what is known already came later and stays.
pub(super) async fn note(s: &Scoped, customers: &[CustomerRef]) -> Result<(), Error> {
    let mut customers = customers.to_vec();
    customers.sort_unstable_by_key(|c| c.record);
    customers.dedup_by_key(|c| c.record);
    for chunk in customers.chunks(CHUNK) {
        s.insert_absent(rows(chunk), [Column::TenantId, Column::RecordId])
            .await?;
    }
    Ok(())
}

async fn put(s: &Scoped, customers: &[CustomerRef]) -> Result<(), Error> {
    for chunk in customers.chunks(CHUNK) {
        let key = [Column::TenantId, Column::RecordId];
        s.upsert_many(rows(chunk), key, [Column::CustomerId])
            .await?;
    }
    Ok(())
}

fn rows(customers: &[CustomerRef]) -> Vec<ActiveModel> {
    let row = |customer: &CustomerRef| ActiveModel {
        // Set by the scoped store.
        tenant_id: ActiveValue::NotSet,
        record_id: ActiveValue::Set(customer.record.uuid()),
        customer_id: ActiveValue::Set(customer.customer.uuid()),
    };
    customers.iter().map(row).collect()
}
