use sea_orm_migration::prelude::{
    DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait,
};

use super::{index, number, table, uuid};

/// Which customer a source record belongs to, for records that were moved by a merge.
pub(super) struct Customers;

impl MigrationName for Customers {
    fn name(&self) -> &str {
        "m0003_customers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Customers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![uuid("record_id"), uuid("customer_id"), number("moved_at")];
        manager
            .create_table(table("record_customers", &["record_id"], columns))
            .await?;
        manager
            .create_index(index(
                "record_customers",
                "record_customers_by_customer",
                &["customer_id"],
            ))
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
