//! The checker finds what somebody has changed behind the ledger's back.

use rapport_foundation::role::Role;
use rapport_foundation::testing::engines;
use rapport_proto::loyalty::v1 as pb;

use crate::floor::{Floor, on_every_engine, points, rid};

async fn tamper(f: &Floor, sql: &'static str) -> Result<u64, rapport_foundation::db::Error> {
    f.t.db
        .system_write(|s| async move { s.raw_exec(sql, []).await })
        .await
}

/// A book with something of everything.
async fn book(f: &Floor) -> String {
    let member = f.member_of(|program| program.validity_days = 30).await;
    f.earn_by(&member, "A-1", 10_000).await.unwrap();
    let hold = f.hold(&member, 40, 0).await.unwrap().hold.unwrap().id;
    f.capture(&hold, Some(30)).await.unwrap();
    f.hold(&member, 5, 0).await.unwrap();
    f.check().await;
    member
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_behind_the_ledgers_back_is_found() {
    on_every_engine(async |f| {
        book(&f).await;
        for (what, change, back) in [
            ("a balance", "update accounts set available = available + 1", "update accounts set available = available - 1"),
            ("a version of history", "update entries set reason = 'gift' where sequence = 1", "update entries set reason = null where sequence = 1"),
            ("an entry's time", "update entries set at = at - 1 where sequence = 2", "update entries set at = at + 1 where sequence = 2"),
            ("both sides of an entry", "update entries set points = points + 1, d_available = d_available + 1, d_issuance = d_issuance - 1 where sequence = 1", "update entries set points = points - 1, d_available = d_available - 1, d_issuance = d_issuance + 1 where sequence = 1"),
            ("a lot", "update lots set available = available - 1, expired = expired + 1", "update lots set available = available + 1, expired = expired - 1"),
            ("when a lot lapses", "update lots set expires_at = expires_at + 1", "update lots set expires_at = expires_at - 1"),
            ("a hold", "update holds set captured = captured - 1, voided = voided + 1 where state = 'captured'", "update holds set captured = captured + 1, voided = voided - 1 where state = 'captured'"),
            ("an order", "update earnings set total_units = total_units + 100", "update earnings set total_units = total_units - 100"),
            ("an owner", "update accounts set sequence = sequence - 1", "update accounts set sequence = sequence + 1"),
        ] {
            assert!(tamper(&f, change).await.unwrap() > 0, "{what}");
            let found = rapport_loyalty::verify(&f.t.db).await.unwrap();
            assert!(found.iter().any(|breach| breach.invariant == 3 && breach.tenant == f.tenant), "{what}");
            tamper(&f, back).await.unwrap();
            f.check().await;
        }
        tamper(&f, "delete from entries where sequence = 2").await.unwrap();
        let found = rapport_loyalty::verify(&f.t.db).await.unwrap();
        assert!(found.iter().any(|breach| breach.invariant == 3));
        assert!(found.iter().any(|breach| breach.invariant == 2), "its request has no entry: {found:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_themselves_refuse_what_can_never_be() {
    on_every_engine(async |f| {
        book(&f).await;
        for change in [
            "update accounts set available = -1",
            "update entries set d_available = d_available + 1",
            "update lots set available = available + 1",
            "update holds set captured = captured + 1",
        ] {
            assert!(tamper(&f, change).await.is_err(), "{change}");
        }
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_ledger_stands_where_it_stood() {
    for engine in engines() {
        let f = Floor::open(&engine).await;
        let member = book(&f).await;
        let request = pb::EarnPointsRequest {
            request_id: rid(),
            member_id: member.clone(),
            points: Some(points(7)),
            ..pb::EarnPointsRequest::default()
        };
        let before = f
            .ledger()
            .earn_points(f.ask(request.clone()))
            .await
            .unwrap()
            .into_inner();
        let (tenant, clock, house) = (f.tenant, f.clock.clone(), f.t.house.clone());
        let database = f.t.database.clone();
        drop(f);
        let env = house.env_on(database, Role::Loyalty).await;
        let f = Floor::on(env, tenant, clock).await;
        let after = f
            .ledger()
            .earn_points(f.ask(request))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(after, before);
        assert_eq!(f.balance(&member).await, [72, 5, 0, 0]);
        f.check().await;
    }
}
