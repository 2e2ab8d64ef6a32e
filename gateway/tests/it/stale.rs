//! A gateway that is cut off from its database: how long it goes on, and how that is told.

use std::time::Duration;

use rapport_foundation::testing::eventually;
use rapport_gateway::WhenStale;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::fixture::{Fixture, Plan};
use crate::trail::Tamperer;
use crate::upstream::{SERVER_STREAM, UNARY};

const STALE: Duration = Duration::from_millis(1_500);

fn plan(then: WhenStale) -> Plan {
    let mut plan = Plan::default();
    plan.config.tenant_refresh_ms = 100;
    plan.config.tenant_stale_ms = u64::try_from(STALE.as_millis()).unwrap();
    plan.config.tenant_stale = then;
    plan
}

async fn call(fixture: &Fixture) -> Result<(), Status> {
    let client = fixture.client(&fixture.token()).await;
    client.unary(UNARY, "hello").await.map(|_| ())
}

/// The database is there and cannot be read: as if it were away, until it is given back.
async fn cut_off(fixture: &Fixture) -> Tamperer {
    let tamperer = Tamperer::of(&fixture.env.database).await;
    tamperer.run("alter table tenants rename to away").await;
    tamperer
}

async fn until_ready_is(fixture: &Fixture, ready: bool) {
    eventually("a balancer is told", async || {
        (fixture.readiness.is_ready() == ready).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_known_serves_for_a_while_is_then_not_relied_on_and_serves_again_once_it_is_fresh()
{
    let fixture = plan(WhenStale::Refuse).open().await;
    let client = fixture.client(&fixture.token()).await;
    let mut stream = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        stream.message().await.unwrap();
    }
    // As long as the database answers nothing grows stale.
    tokio::time::sleep(STALE * 2).await;
    call(&fixture).await.unwrap();
    assert!(fixture.readiness.is_ready());
    let tamperer = cut_off(&fixture).await;
    call(&fixture).await.unwrap();
    until_ready_is(&fixture, false).await;
    let status = call(&fixture).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "ACCESS_STALE");
    assert!(details.retry_info().is_some());
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
    // Not for its credential: whoever holds it need not get another.
    assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unavailable);
    // Who is nobody learns nothing of it.
    assert_eq!(fixture.code("no.token.here").await, "16");

    tamperer.run("alter table away rename to tenants").await;
    until_ready_is(&fixture, true).await;
    call(&fixture).await.unwrap();
}

#[tokio::test]
async fn who_would_rather_serve_goes_on() {
    let fixture = plan(WhenStale::Serve).open().await;
    call(&fixture).await.unwrap();
    cut_off(&fixture).await;
    tokio::time::sleep(STALE * 2).await;
    call(&fixture).await.unwrap();
    assert!(fixture.readiness.is_ready());
}

#[tokio::test]
async fn what_could_never_be_fresh_keeps_the_gateway_from_opening() {
    let fixture = Fixture::open().await;
    let mut config = fixture.config.clone();
    config.tenant_stale_ms = config.tenant_refresh_ms * 3 - 1;
    let opened = rapport_gateway::open(fixture.env.env.clone(), config, &fixture.readiness).await;
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("gateway.tenant_stale_ms"), "{error}");
}
