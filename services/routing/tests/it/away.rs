//! A store that goes away, and comes back.

use std::net::SocketAddr;

use rapport_foundation::db::DatabaseConfig;
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
