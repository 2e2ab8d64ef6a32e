//! The checker of the invariants.

use crate::media::{Uploads as _, uploaded};
use crate::stage::{Stage, message, on_every_engine, quick};

async fn tamper(stage: &Stage, sql: &'static str) {
    let done: Result<u64, rapport_foundation::db::Error> = stage
        .t
        .env
        .db
        .write(stage.tenant, async |s| s.raw_exec(sql, []).await)
        .await;
    assert!(done.unwrap() > 0);
}

async fn breaches(stage: &Stage) -> Vec<String> {
    let found = rapport_interactions::verify(&stage.t.env.db).await.unwrap();
    found
        .into_iter()
        .map(|breach| format!("I{} {}", breach.invariant, breach.what))
        .collect()
}

#[tokio::test]
async fn a_sound_store_has_no_breach_and_a_damaged_one_has() {
    on_every_engine(quick(), async |stage| {
        for n in 0..5 {
            let mut input = message(&format!("m-{n}"), "+62811", "halo");
            input.thread_key = "thread".into();
            let logged = stage.log(input).await;
            stage.settled(&logged.id).await;
        }
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
        tamper(
            &stage,
            "update conversation set interactions = interactions + 1 where tenant_id = $1",
        )
        .await;
        assert_eq!(breaches(&stage).await.len(), 1);
        tamper(
            &stage,
            "update conversation set interactions = interactions - 1 where tenant_id = $1",
        )
        .await;
        tamper(&stage, "delete from log where tenant_id = $1 and n = 2").await;
        assert!(
            breaches(&stage)
                .await
                .iter()
                .any(|breach| breach.starts_with("I4"))
        );
        tamper(
            &stage,
            "delete from interaction where tenant_id = $1 and external_id = 'm-0'",
        )
        .await;
        let left = breaches(&stage).await;
        assert!(
            left.iter()
                .any(|breach| breach.contains("as many interactions"))
        );
        assert!(
            left.iter()
                .any(|breach| breach.contains("what a conversation counts"))
        );
        assert!(
            left.iter()
                .any(|breach| breach.contains("that is not there"))
        );
    })
    .await;
}

#[tokio::test]
async fn files_that_do_not_agree_with_their_objects_users_and_room_are_found() {
    on_every_engine(quick(), async |stage| {
        let media = uploaded(&stage, b"halo").await;
        stage.names("m-1", "+62811", &[&media.id]).await.unwrap();
        stage.logged(1).await;
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
        for (damage, repair) in [
            (
                "update media_piece set durable = 0 where tenant_id = $1",
                "update media_piece set durable = 1 where tenant_id = $1",
            ),
            (
                "update media set uses = 2 where tenant_id = $1",
                "update media set uses = 1 where tenant_id = $1",
            ),
            (
                "update media_usage set bytes = 5 where tenant_id = $1",
                "update media_usage set bytes = 4 where tenant_id = $1",
            ),
        ] {
            tamper(&stage, damage).await;
            assert_eq!(breaches(&stage).await.len(), 1, "{damage}");
            tamper(&stage, repair).await;
        }
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
    })
    .await;
}
