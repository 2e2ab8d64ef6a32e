//! The audit trail ends at an age, and what remains is still what was written.

use std::time::Duration;

use rapport_foundation::db::Error;
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{TestEnv, engines, eventually, on_every_engine};
use rapport_foundation::time::{Clock, Micros};
use rapport_gateway::domain::audit::{Chain, Entry};
use rapport_gateway::migrations;
use rapport_gateway::store::audit::{Audit, Order, Query, Swept};
use uuid::Uuid;

use crate::audit::entries;
use crate::fixture::Plan;
use crate::trail::{Tamperer, breaches_at, call};
use crate::upstream::UNARY;

const DAY: Duration = Duration::from_secs(86_400);
const KEPT: u32 = 100;

/// Day after day, from a day long ago.
fn day(n: u32) -> Micros {
    Micros(1_000_000_000_000_000) + DAY * n
}

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

/// Three entries anchored at day 10, two at day 20, two at day 30.
async fn written(audit: &Audit) -> Chain {
    let mut chain = Chain::new(Uuid::now_v7());
    audit.anchor(chain.replica, day(0)).await.unwrap();
    let mut n = 0;
    for (count, end) in [(3, day(10)), (2, day(20)), (2, day(30))] {
        let entries: Vec<Entry> = (0..count)
            .map(|_| {
                n += 1;
                chain.append(call(tenant(), n))
            })
            .collect();
        audit.append(&entries).await.unwrap();
        audit.anchor(chain.replica, end).await.unwrap();
    }
    chain
}

async fn all(audit: &Audit) -> Vec<i64> {
    let all = Query::default();
    let found = audit.list(tenant(), &all, Order::Rising, None, 100).await;
    found.unwrap().iter().map(|entry| entry.seq).collect()
}

/// What is swept at a moment, stretch by stretch.
async fn swept(audit: &Audit, before: Micros) -> Vec<u64> {
    let (mut after, mut gone) = (0, Vec::new());
    while let Some(Swept { n, entries }) = audit.sweep(after, before).await.unwrap() {
        (after, gone) = (n, [gone, vec![entries]].concat());
    }
    gone
}

#[tokio::test]
async fn what_is_old_goes_in_whole_stretches_and_what_remains_still_holds() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let mut chain = written(&audit).await;
        let none: [u64; 0] = [];
        assert_eq!(swept(&audit, day(10)).await, none, "not older than that");
        assert_eq!(swept(&audit, day(15)).await, [3]);
        assert_eq!(all(&audit).await, [4, 5, 6, 7]);
        let holds = Vec::<String>::new();
        assert_eq!(breaches_at(&t, KEPT, day(15 + KEPT)).await, holds);
        // Not the age of what is gone, but what is asked for: nothing was to go, or not yet.
        for (kept, now) in [(0, day(15 + KEPT)), (KEPT, day(9 + KEPT))] {
            let found = breaches_at(&t, kept, now).await;
            assert!(found[0].contains("entries 1 to 3 are missing"), "{found:?}");
        }

        assert_eq!(swept(&audit, day(40)).await, [2, 2]);
        assert_eq!(all(&audit).await, [0_i64; 0]);
        let rows = Tamperer::of(&t.database).await;
        let left = "select count(*) as count from audit_resources";
        assert_eq!(rows.count(left).await, 0);
        assert_eq!(breaches_at(&t, KEPT, day(40 + KEPT)).await, holds);
        // The process goes on where it was.
        let entry = chain.append(call(tenant(), 8));
        audit.append(&[entry]).await.unwrap();
        audit.anchor(chain.replica, day(50)).await.unwrap();
        assert_eq!(breaches_at(&t, KEPT, day(40 + KEPT)).await, holds);
        assert_eq!(swept(&audit, day(60)).await, [1]);
    })
    .await;
}

/// What somebody does to a trail whose beginning is gone, and what is said about it.
const TAMPERINGS: &[(&str, &str)] = &[
    (
        "update audit_entries set principal = 'somebody else' where seq = 4",
        "entry 4 is not what was written",
    ),
    (
        "update audit_entries set outcome = 7 where seq = 5",
        "entry 5 is not what was written",
    ),
    (
        "delete from audit_entries where seq = 4",
        "entries 1 to 4 are missing",
    ),
    // A whole stretch, but too young to go.
    (
        "delete from audit_entries where seq <= 5",
        "entries 1 to 5 are missing",
    ),
    ("delete from audit_entries", "entries 1 to 7 are missing"),
    (
        "delete from audit_entries where seq = 6",
        "entries 6 to 6 are missing",
    ),
    (
        "delete from audit_entries where seq = 7",
        "entries 7 to 7 are missing",
    ),
    (
        "delete from audit_anchors where n = 2",
        "anchors 2 to 2 are missing",
    ),
    // As if the second stretch had ended long ago.
    (
        "update audit_anchors set at = 1 where n = 3",
        "anchor 3 is not what was written",
    ),
    (
        "delete from audit_resources where seq = 4",
        "entry 4 is not found by all the resources it names",
    ),
    (
        "insert into audit_entries select tenant_id, at, replica_id, 3, duration_us, principal, kind, on_behalf_of, method, \
         outcome, resources, resource_count, untold, request_id, trace_id, hash, issuer from audit_entries where seq = 4",
        "entries 1 to 2 are missing",
    ),
];

#[tokio::test]
async fn who_alters_what_remains_is_still_found() {
    for (sql, says) in TAMPERINGS {
        on_every_engine(Role::Gateway, migrations, async |t: TestEnv| {
            let audit = Audit::new(t.db.clone());
            written(&audit).await;
            assert_eq!(swept(&audit, day(15)).await, [3]);
            let now = day(15 + KEPT);
            assert_eq!(breaches_at(&t, KEPT, now).await, Vec::<String>::new());
            let tamperer = Tamperer::of(&t.database).await;
            tamperer.unlock().await;
            tamperer.run(sql).await;
            let found = breaches_at(&t, KEPT, now).await;
            let told = found.iter().any(|what| what.contains(says));
            assert!(told, "{sql}: {found:?}");
        })
        .await;
    }
}

/// Whatever the settings say, and whoever asks.
#[tokio::test]
async fn the_engine_does_not_let_go_of_what_was_anchored_within_thirty_days() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let mut chain = written(&audit).await;
        let entry = chain.append(call(tenant(), 8));
        audit.append(&[entry]).await.unwrap();
        let unanchored = audit.sweep(0, Micros::MAX).await;
        assert_eq!(unanchored.unwrap().map(|swept| swept.entries), Some(3));
        let now = Clock::system().now();
        audit.anchor(chain.replica, now).await.unwrap();
        let (mut after, mut refused) = (0, None);
        while refused.is_none() {
            match audit.sweep(after, Micros::MAX).await {
                Ok(swept) => after = swept.unwrap().n,
                Err(error) => refused = Some(error),
            }
        }
        assert!(matches!(refused, Some(Error::Engine(_))), "{refused:?}");
        assert_eq!(all(&audit).await, [8]);
    })
    .await;
}

#[tokio::test]
async fn a_gateway_lets_go_of_what_it_has_kept_long_enough() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            clock: Clock::manual(day(0)),
            ..Plan::default()
        };
        plan.config.audit.keep_days = KEPT;
        let fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        client.unary(UNARY, "hello").await.unwrap();
        entries(&fixture, 1).await;
        let audit = Audit::new(fixture.env.db.clone());
        let old = async || {
            let all = Query::default();
            let found = audit
                .list(fixture.tenant, &all, Order::Rising, None, 100)
                .await;
            let of_call = |entry: &&Entry| entry.call.method.ends_with("GetCustomer");
            found.unwrap().iter().filter(of_call).count()
        };
        for _ in 0..KEPT {
            fixture.clock.advance(DAY);
            tokio::task::yield_now().await;
        }
        assert_eq!(
            old().await,
            1,
            "kept long enough only with the anchor behind it"
        );
        eventually("it is gone", async || {
            fixture.clock.advance(DAY);
            (old().await == 0).then_some(())
        })
        .await;
        let found =
            rapport_gateway::verify(&fixture.env.db, &fixture.config.audit, fixture.clock.now());
        assert!(found.await.unwrap().is_empty());
    }
}
