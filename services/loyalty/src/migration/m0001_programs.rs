use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait,
};

use super::{index, number, small, table, text, unique, uuid};

/// Programmes and their members.
pub(super) struct Programs;

impl MigrationName for Programs {
    fn name(&self) -> &str {
        "m0001_programs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Programs {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let programs = vec![
            uuid("id"),
            text("code"),
            text("display_name"),
            text("point_code"),
            small("point_exponent"),
            text("currency_code"),
            small("currency_exponent"),
            number("earn_points"),
            number("earn_per"),
            number("minimum_total"),
            number("validity_days"),
            number("activation_delay_s"),
            number("hold_timeout_s"),
            ColumnDef::new(Alias::new("auto_enrol"))
                .boolean()
                .not_null()
                .to_owned(),
            number("created_at"),
            number("updated_at"),
            number("version"),
        ];
        // A customer is enrolled once in a programme. `slot` counts earlier members of the same customer
        // whose record belongs to somebody else since a merge was taken back.
        let members = vec![
            uuid("id"),
            uuid("program_id"),
            uuid("customer_id"),
            uuid("record_id"),
            number("slot"),
            number("enrolled_at"),
            number("version"),
        ];
        manager
            .create_table(table("programs", &["id"], programs))
            .await?;
        manager
            .create_table(table("members", &["id"], members))
            .await?;
        let once = ["program_id", "customer_id", "slot"];
        for index in [
            unique("programs", "programs_by_code", &["code"]),
            unique("members", "members_once", &once),
            index("members", "members_by_customer", &["customer_id"]),
            index("members", "members_by_record", &["record_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
