//! A database that an earlier version has left.

use rapport_foundation::db;
use rapport_foundation::role::Role;
use rapport_foundation::testing::engines;
use rapport_gateway::migrations;
use sea_orm_migration::MigrationTrait;

/// What the first version had.
fn first() -> Vec<Box<dyn MigrationTrait>> {
    migrations().into_iter().take(2).collect()
}

#[tokio::test]
async fn a_database_behind_its_wall_is_brought_up_to_date() {
    for engine in engines() {
        let database = engine.database(Role::Gateway, first).await;
        let done = db::migrate(&database.config, Role::Gateway, migrations()).await;
        assert_eq!(done.unwrap().len(), migrations().len() - first().len());
        let pending = db::pending(&database.config, Role::Gateway, &migrations()).await;
        assert!(pending.unwrap().is_empty());
    }
}
