//! The process that decides for a tenant is killed, stopped where it stands, cut off from its database or from everybody
//! who calls, and its database is stopped: somebody decides again within five seconds, nothing is offered to two agents,
//! and nothing is forgotten. And every process is restarted on purpose, under load.
//!
//! A program of its own: how long nobody decides tells something only while nothing else wants the machine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{sync::LazyLock, time::Duration};

use rapport_foundation::testing::{Proxy, own_cluster};
use rapport_tests::{Database, Suite, Topology, Ways, until};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::sleep,
};

mod floor;
mod rolling;

use floor::Floor;

/// Longer than a lease lasts.
const STOPPED: Duration = Duration::from_secs(6);

/// One at a time: each has a suite of six processes or more, and what is waited for is waited for in seconds.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
    ALONE.lock().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_killed_or_stopped_is_replaced_and_nothing_is_offered_twice() {
    // Where there is no PostgreSQL the engines have said so loudly; with CI=true they have failed.
    let Ok(database) = Database::postgres() else {
        return;
    };
    let _alone = alone().await;
    let mut suite = Suite::fresh(Topology::Owners, database).await;
    let floor = Floor::open(&suite).await;
    for _ in 0..2 {
        let owner = floor.owner(&suite).await;
        suite.kill(&owner);
        floor.is_served().await;
        suite.begin(&owner).await;
    }
    for _ in 0..2 {
        let owner = floor.owner(&suite).await;
        let ways = suite.ways(&owner);
        // What it has decided is on its way when it is stopped, and arrives when another decides.
        ways.database.hold();
        ways.database.holds_up(2).await;
        suite.signal(&owner, "STOP");
        is_replaced(&suite, &owner).await;
        ways.database.restore();
        floor.is_served().await;
        suite.signal(&owner, "CONT");
    }
    floor.ends_well(suite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_cut_off_from_its_database_is_replaced_and_nothing_is_offered_twice() {
    is_cut_off(|ways| &ways.database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_nobody_reaches_is_replaced_and_nothing_is_offered_twice() {
    is_cut_off(|ways| &ways.door).await;
}

/// One owner after the other loses a way: nothing comes through; then connections break.
async fn is_cut_off(way: impl Fn(&Ways) -> &Proxy) {
    let Ok(database) = Database::postgres() else {
        return;
    };
    let _alone = alone().await;
    let suite = Suite::fresh(Topology::Owners, database).await;
    let floor = Floor::open(&suite).await;
    for cut in [Proxy::hold, Proxy::cut] {
        let owner = floor.owner(&suite).await;
        let way = way(suite.ways(&owner));
        cut(way);
        is_replaced(&suite, &owner).await;
        floor.is_served().await;
        way.restore();
        floor.is_served().await;
    }
    floor.ends_well(suite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_and_started_loses_and_doubles_nothing() {
    let _alone = alone().await;
    let Some(mut cluster) = own_cluster(&["max_connections=400"]) else {
        return;
    };
    let suite = Suite::fresh(Topology::Owners, Database::on(&cluster)).await;
    let floor = Floor::open(&suite).await;
    // For less than a lease, and for longer.
    for away in [Duration::ZERO, STOPPED] {
        floor.is_served().await;
        cluster.stop().unwrap();
        floor.is_refused().await;
        sleep(away).await;
        cluster.start_again().unwrap();
        floor.counts_from_now();
        floor.is_served().await;
    }
    floor.ends_well(suite).await;
}

/// Waits until another process decides.
async fn is_replaced(suite: &Suite, owner: &str) {
    until("another decides", async || {
        let now = suite.owner().await?;
        (now != owner).then_some(())
    })
    .await;
}
