//! What is held to be known between records.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Expr, ExprTrait as _, Index, SchemaManager, Table,
    TableCreateStatement,
};
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob_null, json_binary, small_integer, text, text_null, uuid,
};
use sea_orm_migration::sea_query::{ConditionalStatement as _, IndexCreateStatement};
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(edges()).await?;
        let on = |name: &'static str| -> IndexCreateStatement {
            Index::create()
                .name(name)
                .table("edges")
                .col("tenant_id")
                .to_owned()
        };
        for index in [
            on("edges_to").col("to_record").to_owned(),
            // The same thing is held once between two records at a time.
            on("edges_holding")
                .col("from_record")
                .col("to_record")
                .col("kind")
                .unique()
                .and_where(Expr::col("revoked_at").is_null())
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

/// Edges are added and revoked, never removed. What people said about them is sealed under the record they start
/// from.
fn edges() -> TableCreateStatement {
    Table::create()
        .table("edges")
        .col(uuid("tenant_id"))
        .col(uuid("id"))
        .col(small_integer("kind"))
        .col(small_integer("basis"))
        .col(uuid("from_record"))
        .col(uuid("to_record"))
        .col(small_integer("weight"))
        .col(json_binary("explanation"))
        .col(text("created_by"))
        .col(big_integer("created_at"))
        .col(blob_null("reason"))
        .col(text_null("revoked_by"))
        .col(big_integer_null("revoked_at"))
        .col(blob_null("revoke_reason"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .to_owned()
}
