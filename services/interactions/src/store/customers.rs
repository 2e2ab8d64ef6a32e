//! The map from record to customer: fed by profiles, the only thing a merge changes here.

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CustomerId, TenantId};
use sea_orm::Value;

use super::Store;
use crate::domain::Customer;

const COLUMNS: [(&str, Type); 3] = [
    ("record_id", Type::Uuid),
    ("customer_id", Type::Uuid),
    ("origin_id", Type::Uuid),
];

/// Records of which at most the last mention counts, in one order for every replica.
fn rows(customers: &[Customer]) -> Vec<Vec<Value>> {
    let last: std::collections::BTreeMap<_, _> = customers
        .iter()
        .map(|one| (one.record, one.customer))
        .collect();
    let row = |(record, customer): (rapport_foundation::id::RecordId, CustomerId)| {
        vec![
            record.uuid().into(),
            customer.uuid().into(),
            customer.uuid().into(),
        ]
    };
    last.into_iter().map(row).collect()
}

/// Notes records that are not known yet. What is known stays: profiles' log alone moves a record.
pub(super) async fn meet(s: &Scoped, customers: &[Customer]) -> Result<(), Error> {
    let behind = "on conflict (tenant_id, record_id) do nothing";
    bulk::insert(s, "record_customer", &COLUMNS, rows(customers), behind).await?;
    Ok(())
}

impl Store {
    /// Notes records of new customers.
    pub(crate) async fn meet(&self, s: &Scoped, customers: &[Customer]) -> Result<(), Error> {
        meet(s, customers).await
    }

    /// Moves records to their new customers, in the order profiles said so.
    pub(crate) async fn move_records(&self, s: &Scoped, moves: &[Customer]) -> Result<(), Error> {
        let behind =
            "on conflict (tenant_id, record_id) do update set customer_id = excluded.customer_id";
        bulk::insert(s, "record_customer", &COLUMNS, rows(moves), behind).await?;
        Ok(())
    }

    /// Whether a customer is known here, be it as part of another by now.
    pub(crate) async fn knows_customer(
        &self,
        tenant: TenantId,
        customer: CustomerId,
    ) -> Result<bool, Error> {
        let sql = "select 1 as one from record_customer where tenant_id = $1 and customer_id = $2 \
                   union all select 1 as one from record_customer where tenant_id = $1 and origin_id = $2 limit 1";
        let found = self
            .db
            .read(tenant, async |s| {
                s.raw_one(sql, [customer.uuid().into()]).await
            })
            .await?;
        Ok(found.is_some())
    }

    /// The customer that each of these records belongs to now.
    pub(crate) async fn customer_of(
        &self,
        tenant: TenantId,
        link: Customer,
    ) -> Result<Customer, Error> {
        let sql = "select customer_id from record_customer where tenant_id = $1 and record_id = $2";
        let row = self
            .db
            .read(tenant, async |s| {
                s.raw_one(sql, [link.record.uuid().into()]).await
            })
            .await?;
        let known = row
            .map(|row| row.try_get("", "customer_id").map(CustomerId::from_uuid))
            .transpose()?;
        Ok(Customer {
            customer: known.unwrap_or(link.customer),
            record: link.record,
        })
    }
}
