//! Files of contacts: what they are, the objects they are kept in, who holds their keys, how much a tenant has.

use rapport_foundation::schema::{bytes, number, small, text, uuid};
use sea_orm_migration::prelude::{
    ColumnDef, DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [media(), piece(), key(), usage()] {
            manager.create_table(table).await?;
        }
        // The sweep looks across tenants.
        let due = |table: &'static str, name: &'static str, columns: [&'static str; 2]| {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(column);
            }
            index
        };
        for index in [
            due("media", "media_due", ["stage", "touched_at"]),
            due("media_piece", "media_piece_due", ["durable", "begun_at"]),
            index("media_key", "media_key_holder", &["holder"]),
            index("media_key", "media_key_subject", &["subject_key"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn table(
    name: &'static str,
    columns: Vec<ColumnDef>,
    key: &[&'static str],
) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).col(uuid("tenant_id"));
    for column in columns {
        table.col(column);
    }
    let mut index = Index::create();
    index.col("tenant_id");
    for column in key {
        index.col(*column);
    }
    table.primary_key(&mut index).to_owned()
}

fn media() -> TableCreateStatement {
    let columns = vec![
        uuid("id"),
        // 1 uploading, 2 ready, 3 going.
        small("stage"),
        // Who may continue the upload, blinded.
        text("owner"),
        number("size_bytes"),
        number("received"),
        // Contacts that name it.
        number("uses"),
        // Its name, types and hash, sealed with its own key.
        bytes("about"),
        number("begun_at"),
        number("touched_at"),
        // 0 until it is finished.
        number("finished_at"),
    ];
    table("media", columns, &["id"])
}

/// Written before its object is, so that no object is ever stored that nothing here names.
fn piece() -> TableCreateStatement {
    let columns = vec![
        uuid("media_id"),
        number("start"),
        uuid("attempt"),
        number("length"),
        // 0 while it is being stored.
        small("durable"),
        number("begun_at"),
    ];
    table("media_piece", columns, &["media_id", "start", "attempt"])
}

/// The key of a file, sealed with that of each contact that names it. Before any does, nobody holds it but the tenant.
fn key() -> TableCreateStatement {
    let columns = vec![
        uuid("media_id"),
        // The contact; nil while there is none.
        uuid("holder"),
        text("subject_key"),
        // Of the subject's key: a later one opens nothing of it.
        number("generation"),
        bytes("sealed"),
    ];
    table("media_key", columns, &["media_id", "holder"])
}

fn usage() -> TableCreateStatement {
    table("media_usage", vec![number("bytes")], &[])
}
