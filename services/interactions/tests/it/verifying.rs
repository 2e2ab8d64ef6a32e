//! The checker of the invariants.

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
