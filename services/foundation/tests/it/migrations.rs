//! Bringing schemas up to date.

use rapport_foundation::db::{self, Error};
use rapport_foundation::role::Role;
use rapport_foundation::schema;
use rapport_foundation::testing::{Engine, TestDatabase, engines};
use sea_orm_migration::prelude::{
    DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait,
};

use crate::note::{Notes, migrations};

async fn made(engine: &Engine) -> TestDatabase {
    let database = engine.unmade(Role::Profiles);
    if let Engine::Postgres { admin_url } = engine {
        // Twice: what is there already is kept.
        db::provision(admin_url, &database.config).await.unwrap();
        db::provision(admin_url, &database.config).await.unwrap();
    }
    database
}

struct Failing;

impl MigrationName for Failing {
    fn name(&self) -> &str {
        "m0002_failing"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Failing {
    async fn up(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Custom("no".into()))
    }
}

#[tokio::test]
async fn three_runners_at_once_apply_everything_once() {
    for engine in engines() {
        let database = made(&engine).await;
        let run = || db::migrate(&database.config, Role::Profiles, migrations());
        let (a, b, c) = tokio::join!(run(), run(), run());
        let mut applied = [a.unwrap(), b.unwrap(), c.unwrap()].concat();
        applied.sort_unstable();
        assert_eq!(applied, ["m0000_shared", "m0001_notes"]);
        assert!(
            db::pending(&database.config, Role::Profiles, &migrations())
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_of_its_run() {
    for engine in engines() {
        let database = made(&engine).await;
        let failing = || -> Vec<Box<dyn MigrationTrait>> {
            vec![schema::shared(), Box::new(Notes), Box::new(Failing)]
        };
        assert!(
            db::migrate(&database.config, Role::Profiles, failing())
                .await
                .is_err()
        );
        assert_eq!(
            db::pending(&database.config, Role::Profiles, &failing())
                .await
                .unwrap()
                .len(),
            3
        );
        assert_eq!(
            db::migrate(&database.config, Role::Profiles, migrations())
                .await
                .unwrap()
                .len(),
            2
        );
    }
}

#[tokio::test]
async fn an_older_program_accepts_a_newer_schema_and_a_mixture_is_refused() {
    for engine in engines() {
        let database = made(&engine).await;
        db::migrate(&database.config, Role::Profiles, migrations())
            .await
            .unwrap();
        let older = || vec![schema::shared()];
        assert!(
            db::migrate(&database.config, Role::Profiles, older())
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            db::pending(&database.config, Role::Profiles, &older())
                .await
                .unwrap()
                .is_empty()
        );
        let mixed: Vec<Box<dyn MigrationTrait>> = vec![schema::shared(), Box::new(Failing)];
        let outcome = db::migrate(&database.config, Role::Profiles, mixed).await;
        assert!(matches!(outcome, Err(Error::Misconfigured(_))));
    }
}
