//! A small table of a service that exists for these tests only.

use rapport_foundation::db::{DatabaseConfig, TenantOwned};
use rapport_foundation::schema;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, Json, PrimaryKeyTrait, Uuid,
};
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, Index, MigrationName, MigrationTrait, SchemaManager, Table,
    async_trait,
};

use rapport_foundation::time::Micros;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) words: String,
    pub(crate) sealed: Option<Vec<u8>>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) extra: Json,
    pub(crate) at: Micros,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TenantOwned for Entity {
    fn tenant_column() -> Column {
        Column::TenantId
    }
}

pub(crate) struct Notes;

impl MigrationName for Notes {
    fn name(&self) -> &str {
        "m0001_notes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Notes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = |name: &str| ColumnDef::new(Alias::new(name));
        let mut key = Index::create();
        key.col(Alias::new("tenant_id")).col(Alias::new("id"));
        let table = Table::create()
            .table(Alias::new("notes"))
            .col(column("tenant_id").uuid().not_null())
            .col(column("id").uuid().not_null())
            .col(column("version").big_integer().not_null())
            .col(column("words").text().not_null())
            .col(column("sealed").binary())
            .col(column("extra").json_binary().not_null())
            .col(column("at").big_integer().not_null())
            .primary_key(&mut key)
            .to_owned();
        manager.create_table(table).await
    }
}

pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![schema::shared(), Box::new(Notes)]
}

/// A note with these words.
pub(crate) fn note(id: Uuid, words: &str) -> ActiveModel {
    use sea_orm::ActiveValue::Set;
    ActiveModel {
        tenant_id: Set(Uuid::nil()),
        id: Set(id),
        version: Set(1),
        words: Set(words.to_owned()),
        sealed: Set(None),
        extra: Set(serde_json::json!({"b": [1, null], "a": "é"})),
        at: Set(Micros(i64::MAX)),
    }
}

/// The same database through one session only, so that every call meets the one before it.
pub(crate) fn one_session(config: &DatabaseConfig) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 1,
        ..config.clone()
    }
}
