//! A store that goes away, or fills up, and comes back.

use std::time::{Duration, Instant};

use rapport_foundation::db::{Database, DatabaseConfig, Engine, Error};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Proxy, engines, env, eventually, tenant};
use sea_orm::prelude::Uuid;

use crate::note::{Entity, migrations, note};

fn through(proxy: &Proxy, config: &DatabaseConfig) -> DatabaseConfig {
    let moved = |url: &str| {
        let (before, after) = url.rsplit_once('@').unwrap();
        let (_, database) = after.split_once('/').unwrap();
        format!("{before}@{}/{database}", proxy.address())
    };
    DatabaseConfig {
        url: moved(&config.url),
        system_url: moved(&config.system_url),
        acquire_timeout_ms: 2_000,
        ..config.clone()
    }
}

async fn server_of(url: &str) -> std::net::SocketAddr {
    let (_, after) = url.rsplit_once('@').unwrap();
    let host = after.split('/').next().unwrap();
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:5432")
    };
    tokio::net::lookup_host(host).await.unwrap().next().unwrap()
}

#[tokio::test]
async fn while_the_server_is_away_calls_fail_at_once_and_afterwards_they_succeed() {
    for engine in engines() {
        let t = env(&engine, Role::Profiles, migrations).await;
        if t.db.engine() != Engine::Postgres {
            continue;
        }
        let proxy = Proxy::to(server_of(&t.database.config.url).await).await;
        let db = Database::open(&through(&proxy, &t.database.config), Role::Profiles)
            .await
            .unwrap();
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

#[tokio::test]
async fn a_full_disk_refuses_writes_and_serves_reads_until_there_is_space_again() {
    for engine in engines() {
        let t = env(&engine, Role::Profiles, migrations).await;
        if t.db.engine() != Engine::Sqlite {
            continue;
        }
        let ours = tenant();
        let pages = async |most: i64| {
            let sql = format!("pragma max_page_count = {most}");
            let sql = sql.as_str();
            t.db.system_write(|s| async move { s.raw_one(sql, []).await.map(|_| ()) })
                .await
                .unwrap();
        };
        let words = "x".repeat(100_000);
        let words = words.as_str();
        let write = || {
            t.db.write(ours, |s| async move {
                s.insert(note(Uuid::now_v7(), words)).await
            })
        };
        write().await.unwrap();
        pages(1).await;
        let full = eventually("the file is full", async || write().await.err()).await;
        assert!(matches!(full, Error::Full), "{full:?}");
        let read =
            t.db.read(ours, |s| async move { s.find::<Entity>().count().await });
        assert!(read.await.unwrap() >= 1);
        pages(1_000_000).await;
        write().await.unwrap();
    }
}
