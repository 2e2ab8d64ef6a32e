//! A store that goes away or fills up, and comes back.

use std::net::SocketAddr;

use rapport_foundation::db::{DatabaseConfig, Error};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, House, Proxy, engines, eventually};
use rapport_foundation::time::Clock;
use rapport_proto::routing::v1 as pb;
use rapport_routing::Config;
use tonic::Code;

use crate::bench::{Bench, request_id};

async fn server_of(url: &str) -> SocketAddr {
    let (_, after) = url.rsplit_once('@').unwrap();
    let host = after.split('/').next().unwrap();
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:5432")
    };
    tokio::net::lookup_host(host).await.unwrap().next().unwrap()
}

fn through(proxy: &Proxy, config: &DatabaseConfig) -> DatabaseConfig {
    let moved = |url: &str| {
        let (before, after) = url.rsplit_once('@').unwrap();
        let (_, database) = after.split_once('/').unwrap();
        format!("{before}@{}/{database}", proxy.address())
    };
    DatabaseConfig {
        url: moved(&config.url),
        system_url: moved(&config.system_url),
        acquire_timeout_ms: 1_000,
        ..config.clone()
    }
}

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
        let proxy = Proxy::to(server_of(&database.config.url).await).await;
        database.config = through(&proxy, &database.config);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_waits_for_space_and_is_then_stored_once() {
    let engine = Engine::Sqlite;
    let t = House::new(Clock::system())
        .env(&engine, Role::Routing, rapport_routing::migrations)
        .await;
    let bench = Bench::open(t, Config::default()).await;
    bench.queue("care").await;
    let pages = async |most: i64| {
        let sql = format!("pragma max_page_count = {most}");
        let sql = sql.as_str();
        let set =
            |s: rapport_foundation::db::System| async move { s.raw_one(sql, []).await.map(|_| ()) };
        bench
            .t
            .env
            .db
            .system_write::<_, Error, _, _>(set)
            .await
            .unwrap();
    };
    pages(1).await;
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let (mut client, request) = (bench.tickets(), bench.boss(one_ticket()));
            tokio::spawn(async move { client.create_ticket(request).await })
        })
        .collect();
    eventually("the file is full", async || {
        let fill = |s: rapport_foundation::db::Scoped| async move {
            let words = "x".repeat(100_000);
            let sql = "insert into subject_keys (tenant_id, subject, generation, created_at) \
                       values ($1, $2, 1, 0)";
            s.raw_exec(sql, [words.into()]).await
        };
        let filled = bench
            .t
            .env
            .db
            .write::<_, Error, _, _>(rapport_foundation::testing::tenant(), fill);
        matches!(filled.await, Err(Error::Full)).then_some(())
    })
    .await;
    pages(1_000_000).await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(
        bench
            .list_tickets(pb::ListTicketsRequest::default())
            .await
            .len(),
        40
    );
    bench.verified().await;
}
