//! A store that goes away or fills up, and comes back.

use std::pin::pin;
use std::time::Duration;

use rapport_foundation::db::{Database, DatabaseConfig, Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, House, Proxy, engines, eventually, tenant};
use rapport_foundation::time::Clock;
use rapport_proto::routing::v1 as pb;
use rapport_routing::Config;
use tonic::Code;

use crate::bench::{Bench, request_id};

fn one_ticket() -> pb::CreateTicketRequest {
    pb::CreateTicketRequest {
        request_id: request_id(),
        ticket: Some(pb::Ticket {
            subject: "x".repeat(900),
            ..Default::default()
        }),
        work_channel: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_for_a_moment_loses_nothing_and_doubles_nothing() {
    for engine in engines()
        .into_iter()
        .filter(|engine| *engine != Engine::Sqlite)
    {
        let mut database = engine
            .database(Role::Routing, rapport_routing::migrations)
            .await;
        let (proxy, config) = Proxy::before(&database.config).await;
        database.config = DatabaseConfig {
            acquire_timeout_ms: 1_000,
            ..config
        };
        let t = House::new(Clock::system())
            .env_on(database, Role::Routing)
            .await;
        let bench = Bench::open(t, Config::default()).await;
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        for _ in 0..3 {
            let request = one_ticket();
            proxy.cut();
            let refused = eventually("the store is seen to be away", async || {
                bench
                    .tickets()
                    .create_ticket(bench.boss(request.clone()))
                    .await
                    .err()
            });
            assert_eq!(refused.await.code(), Code::Unavailable);
            proxy.restore();
            eventually("the call succeeds again", async || {
                bench
                    .tickets()
                    .create_ticket(bench.boss(request.clone()))
                    .await
                    .ok()
            })
            .await;
        }
        assert_eq!(
            bench
                .list_tickets(pb::ListTicketsRequest::default())
                .await
                .len(),
            3
        );
        bench.ticket(&queue).await;
        desk.offer().await;
        bench.verified().await;
    }
}

/// Rows that mean nothing take all the room there is in the file.
async fn fill_up(db: &Database, ours: TenantId) {
    let sql = "insert into subject_keys (tenant_id, subject, generation, created_at) \
               values ($1, $2, 1, 0)";
    for size in [20_000, 1_000, 10] {
        for row in 0.. {
            let subject = format!("{size} {row} {}", "x".repeat(size));
            let subject = subject.as_str();
            let fill = |s: Scoped| async move { s.raw_exec(sql, [subject.into()]).await };
            match db.write::<_, Error, _, _>(ours, fill).await {
                Ok(_) => {}
                Err(Error::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn make_room(db: &Database, ours: TenantId) {
    let sql = "delete from subject_keys where tenant_id = $1 and generation = 1 and created_at = 0";
    let all = |s: Scoped| async move { s.raw_exec(sql, []).await.map(|_| ()) };
    db.write::<_, Error, _, _>(ours, all).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_waits_for_space_and_is_then_stored_once() {
    let engine = Engine::Sqlite;
    let mut database = engine
        .database(Role::Routing, rapport_routing::migrations)
        .await;
    database.config.max_size_mib = 1;
    let t = House::new(Clock::system())
        .env_on(database, Role::Routing)
        .await;
    let bench = Bench::open(t, Config::default()).await;
    bench.queue("care").await;
    let (db, ours) = (&bench.t.env.db, tenant());
    fill_up(db, ours).await;
    let calls = (0..40).map(|_| {
        let (mut client, request) = (bench.tickets(), bench.boss(one_ticket()));
        async move { client.create_ticket(request).await }
    });
    let mut calls = pin!(futures::future::try_join_all(calls));
    let patience = Duration::from_millis(300);
    let early = tokio::time::timeout(patience, calls.as_mut()).await;
    assert!(early.is_err(), "there was room for all of them");
    make_room(db, ours).await;
    calls.await.unwrap();
    assert_eq!(
        bench
            .list_tickets(pb::ListTicketsRequest::default())
            .await
            .len(),
        40
    );
    bench.verified().await;
}
