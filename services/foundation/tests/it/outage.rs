//! A store that goes away, or fills up, and comes back.

use std::time::{Duration, Instant};

use rapport_foundation::db::{Database, DatabaseConfig, Engine as Kind, Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, Proxy, TestDatabase, engines, env, eventually, tenant};
use sea_orm::ColumnTrait as _;
use sea_orm::prelude::Uuid;

use crate::note::{Column, Entity, migrations, note};

#[tokio::test]
async fn while_the_server_is_away_calls_fail_at_once_and_afterwards_they_succeed() {
    for engine in engines() {
        let t = env(&engine, Role::Profiles, migrations).await;
        if t.db.engine() != Kind::Postgres {
            continue;
        }
        let (proxy, config) = Proxy::before(&t.database.config).await;
        let config = DatabaseConfig {
            acquire_timeout_ms: 2_000,
            ..config
        };
        let db = Database::open(&config, Role::Profiles).await.unwrap();
        let ours = tenant();
        let write = || {
            db.write(ours, |s| async move {
                s.insert(note(Uuid::now_v7(), "x")).await
            })
        };
        write().await.unwrap();
        for _ in 0..2 {
            proxy.cut();
            assert!(matches!(
                write().await,
                Err(Error::Unreachable | Error::Busy)
            ));
            let quick = eventually("a call fails at once", async || {
                let begun = Instant::now();
                assert!(write().await.is_err());
                (begun.elapsed() < Duration::from_millis(50)).then_some(())
            });
            quick.await;
            assert!(db.ping().await.is_err());
            proxy.restore();
            eventually("calls succeed again", async || write().await.ok()).await;
        }
        let read = db.read(ours, |s| async move { s.find::<Entity>().count().await });
        assert!(read.await.unwrap() >= 3);
        db.ping().await.unwrap();
    }
}

/// One tenant's notes.
struct Notes {
    db: Database,
    ours: TenantId,
}

impl Notes {
    async fn put(&self, id: Uuid, words: &str) -> Result<(), Error> {
        let put = |s: Scoped| async move { s.insert(note(id, words)).await.map(|_| ()) };
        self.db.write(self.ours, put).await
    }

    /// The simplest of statements: when there is no space for it, SQLite rolls the whole transaction back.
    async fn put_large(&self) -> Result<(), Error> {
        let words = "x".repeat(100_000);
        let words = words.as_str();
        let sql = "insert into notes (tenant_id, id, version, words, extra, at) values ($1, $2, 1, $3, '{}', 0)";
        let put = |s: Scoped| async move {
            let values = [Uuid::now_v7().into(), words.into()];
            s.raw_exec(sql, values).await.map(|_| ())
        };
        self.db.write(self.ours, put).await
    }

    /// Readers are other connections than the writer: they see what is committed.
    async fn count(&self) -> u64 {
        let count = |s: Scoped| async move { s.find::<Entity>().count().await };
        let count = self.db.read::<_, Error, _, _>(self.ours, count);
        count.await.unwrap()
    }

    async fn make_room(&self) {
        let all = Column::Id.is_not_null();
        let delete = |s: Scoped| {
            let all = all.clone();
            async move { s.delete_where::<Entity>(all).await }
        };
        let delete = self.db.write::<_, Error, _, _>(self.ours, delete);
        delete.await.unwrap();
    }
}

/// Notes in a file on SQLite that is as large as it may become.
async fn full_store() -> (TestDatabase, Notes) {
    let mut database = Engine::Sqlite.database(Role::Profiles, migrations).await;
    database.config.max_size_mib = 1;
    let db = Database::open(&database.config, Role::Profiles);
    let notes = Notes {
        db: db.await.unwrap(),
        ours: tenant(),
    };
    let full = loop {
        if let Err(error) = notes.put_large().await {
            break error;
        }
    };
    assert!(matches!(full, Error::Full), "{full}");
    (database, notes)
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_serves_reads_until_there_is_space_again() {
    let (_database, notes) = full_store().await;
    assert!(notes.count().await >= 1);
    assert!(matches!(notes.put_large().await, Err(Error::Full)));
    notes.make_room().await;
    notes.put_large().await.unwrap();
}

#[tokio::test]
async fn what_is_acknowledged_after_the_disk_was_full_is_there() {
    let (_database, notes) = full_store().await;
    notes.make_room().await;
    for written in 1..=5 {
        let undone = |s: Scoped| async move { Err(s.raced()) };
        let undone = notes.db.write::<(), Error, _, _>(notes.ours, undone);
        undone.await.unwrap_err();
        notes.put(Uuid::now_v7(), "x").await.unwrap();
        assert_eq!(notes.count().await, written);
    }
}

#[tokio::test]
async fn a_transaction_that_goes_on_after_a_failed_statement_stores_nothing() {
    for engine in engines() {
        let t = env(&engine, Role::Profiles, migrations).await;
        let notes = Notes {
            db: t.db.clone(),
            ours: tenant(),
        };
        let id = Uuid::now_v7();
        notes.put(id, "x").await.unwrap();
        let goes_on = |s: Scoped| async move {
            s.insert(note(Uuid::now_v7(), "before")).await?;
            let twice = s.insert(note(id, "twice")).await;
            assert!(matches!(twice, Err(Error::Unique)));
            s.insert(note(Uuid::now_v7(), "after")).await.unwrap_err();
            Ok(())
        };
        let outcome = notes.db.write::<_, Error, _, _>(notes.ours, goes_on).await;
        assert!(matches!(outcome, Err(Error::Unique)), "{outcome:?}");
        assert_eq!(notes.count().await, 1);
    }
}
