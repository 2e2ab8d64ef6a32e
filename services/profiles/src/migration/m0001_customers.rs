//! Customers, the source records behind them and the identifiers these brought.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Expr, ExprTrait as _, Index, SchemaManager, Table,
    TableCreateStatement,
};
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, small_integer, small_integer_null, text,
    text_null, uuid, uuid_null,
};
use sea_orm_migration::sea_query::{ConditionalStatement as _, IndexCreateStatement};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [customers(), records(), identifiers()] {
            manager.create_table(table).await?;
        }
        let on = |name: &'static str, table: &'static str| -> IndexCreateStatement {
            Index::create()
                .name(name)
                .table(table)
                .col("tenant_id")
                .to_owned()
        };
        for index in [
            on("customers_part_of", "customers")
                .col("part_of")
                .to_owned(),
            on("records_customer", "records")
                .col("customer_id")
                .col("id")
                .to_owned(),
            on("records_set", "records")
                .col("source")
                .col("identifier_set")
                .to_owned(),
            on("identifiers_record", "identifiers")
                .col("record_id")
                .to_owned(),
            // An identifier is one customer's at a time, whoever asks at the same moment. The hash comes first: it
            // is what look-ups go by.
            on("identifiers_owner", "identifiers")
                .col("blind")
                .col("kind")
                .col("namespace")
                .unique()
                .and_where(Expr::col("valid_until").is_null())
                .to_owned(),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// What is said about a customer by hand, and how it stands towards others. Names are sealed under the founder.
fn customers() -> TableCreateStatement {
    Table::create()
        .table("customers")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(small_integer("state"))
        .col(uuid_null("merged_into"))
        .col(uuid("part_of"))
        .col(uuid("founder"))
        .col(blob_null("display_name"))
        .col(blob_null("given_name"))
        .col(blob_null("family_name"))
        .col(small_integer_null("kind"))
        .col(small_integer_null("stage"))
        .col(small_integer_null("channel"))
        .col(text_null("language"))
        .col(text_null("time_zone"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(big_integer_null("deleted_at"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

/// What a source said, once and for all: nothing updates these rows. The customer is the one it came in for.
fn records() -> TableCreateStatement {
    Table::create()
        .table("records")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(uuid("customer_id"))
        .col(text("source"))
        .col(blob("identifier_set"))
        .col(blob_null("display_name"))
        .col(text_null("language"))
        .col(text_null("time_zone"))
        .col(big_integer("seen_at"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}

/// Ways to recognise a customer. The value is sealed under the record; `blind` is what equality is searched by.
fn identifiers() -> TableCreateStatement {
    Table::create()
        .table("identifiers")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(uuid("record_id"))
        .col(small_integer("kind"))
        .col(text("namespace"))
        .col(blob("blind"))
        .col(blob("value"))
        .col(big_integer("valid_from"))
        .col(big_integer_null("valid_until"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}
