//! Where a contact stands in its conversation.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, SchemaManager, Table};
use sea_orm_migration::schema::big_integer;
use sea_orm_migration::{MigrationTrait, async_trait};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(
        clippy::disallowed_methods,
        reason = "what the builder has no words for"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let position = Table::alter()
            .table("interaction")
            .add_column(big_integer("conversation_position").default(0))
            .to_owned();
        manager.alter_table(position).await?;
        let logged = Table::alter()
            .table("conversation")
            .add_column(big_integer("logged").default(0))
            .to_owned();
        manager.alter_table(logged).await?;
        // Ids are in the order in which contacts came.
        let given = "update interaction set conversation_position = (select count(*) from interaction o \
                     where o.tenant_id = interaction.tenant_id \
                     and o.conversation_id = interaction.conversation_id and o.id <= interaction.id)";
        let counted = "update conversation set logged = interactions";
        // The wall between tenants holds for the owner of the table, too, who speaks for no tenant here.
        let statements: &[&str] = match manager.get_database_backend() {
            DbBackend::Postgres => &[
                "alter table interaction no force row level security",
                "alter table conversation no force row level security",
                given,
                counted,
                "alter table interaction force row level security",
                "alter table conversation force row level security",
            ],
            _ => &[given, counted],
        };
        for statement in statements {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}
