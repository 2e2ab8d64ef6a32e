//! The live tail.

use std::collections::BTreeSet;

use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::stage::{Stage, call, message, on_every_engine, quick, refused};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

async fn watch(
    stage: &Stage,
    asked: pb::WatchInteractionsRequest,
) -> Result<Streaming<pb::WatchInteractionsResponse>, Status> {
    Ok(stage
        .client()
        .watch_interactions(stage.asks(asked))
        .await?
        .into_inner())
}

fn from(cursor: &str) -> pb::WatchInteractionsRequest {
    pb::WatchInteractionsRequest {
        cursor: cursor.into(),
        ..Default::default()
    }
}

/// The next interaction, past signs of life: its key, and the cursor behind it.
async fn next(told: &mut Streaming<pb::WatchInteractionsResponse>) -> (String, String) {
    loop {
        let answer = tokio::time::timeout(PATIENCE, told.message()).await;
        let answer = answer.unwrap().unwrap().unwrap();
        if let Some(interaction) = answer.interaction {
            return (interaction.input.unwrap().external_id, answer.cursor);
        }
    }
}

#[tokio::test]
async fn a_resumed_watch_loses_nothing() {
    on_every_engine(quick(), async |stage| {
        for n in 0..10 {
            stage
                .log(message(&format!("m-{n}"), "+62811", "halo"))
                .await;
        }
        let mut seen = BTreeSet::new();
        let mut cursor = "start".to_owned();
        // A reader that hangs up after every other answer, while more is logged.
        for round in 0..10 {
            stage
                .log(message(&format!("m-{}", 10 + round), "+62811", "halo"))
                .await;
            let mut told = watch(&stage, from(&cursor)).await.unwrap();
            for _ in 0..2 {
                let (key, behind) = next(&mut told).await;
                seen.insert(key);
                cursor = behind;
            }
        }
        let expected: BTreeSet<String> = (0..20).map(|n| format!("m-{n}")).collect();
        assert_eq!(seen, expected);
    })
    .await;
}

#[tokio::test]
async fn a_watch_without_a_cursor_tells_what_is_logged_from_now_on() {
    on_every_engine(quick(), async |stage| {
        let before = stage.log(message("before", "+62811", "halo")).await;
        stage.settled(&before.id).await;
        let mut told = watch(&stage, from("")).await.unwrap();
        // A sign of life carries a cursor too.
        let alive = told.message().await.unwrap().unwrap();
        assert!(alive.interaction.is_none());
        stage.log(message("after", "+62811", "halo")).await;
        assert_eq!(next(&mut told).await.0, "after");
        let mut resumed = watch(&stage, from(&alive.cursor)).await.unwrap();
        assert_eq!(next(&mut resumed).await.0, "after");
    })
    .await;
}

#[tokio::test]
async fn a_watch_can_be_narrowed_to_a_channel_and_a_customer() {
    on_every_engine(quick(), async |stage| {
        stage.log(message("m-1", "+62811", "halo")).await;
        stage.log(call("c-1", "+62811")).await;
        stage.log(call("c-2", "+62822")).await;
        let phone = types::Channel::Phone.into();
        let mut told = watch(
            &stage,
            pb::WatchInteractionsRequest {
                channel: phone,
                ..from("start")
            },
        )
        .await
        .unwrap();
        assert_eq!(next(&mut told).await.0, "c-1");
        assert_eq!(next(&mut told).await.0, "c-2");
        let budi = stage.fake.customer(stage.tenant, "+62822").customer_id;
        let mut told = watch(
            &stage,
            pb::WatchInteractionsRequest {
                customer_id: budi,
                ..from("start")
            },
        )
        .await
        .unwrap();
        assert_eq!(next(&mut told).await.0, "c-2");
    })
    .await;
}

#[tokio::test]
async fn a_foreign_cursor_is_refused() {
    on_every_engine(quick(), async |stage| {
        stage.log(message("m-1", "+62811", "halo")).await;
        let mut told = watch(&stage, from("start")).await.unwrap();
        let (_, cursor) = next(&mut told).await;
        let forged = watch(&stage, from(&cursor[1..])).await;
        refused(
            forged.map(|_| ()),
            Code::InvalidArgument,
            "PAGE_TOKEN_FOREIGN",
        );
        let foreign = stage
            .client()
            .watch_interactions(stage.stranger(from(&cursor)))
            .await;
        refused(
            foreign.map(|_| ()),
            Code::InvalidArgument,
            "PAGE_TOKEN_FOREIGN",
        );
    })
    .await;
}

#[tokio::test]
async fn a_watch_ends_with_a_retry_when_the_service_goes_down() {
    on_every_engine(quick(), async |stage| {
        let mut told = watch(&stage, from("")).await.unwrap();
        stage.t.env.shutdown.cancel();
        let status = loop {
            match told.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without saying why"),
                Err(status) => break status,
            }
        };
        assert!(status.get_details_retry_info().is_some());
        refused::<()>(Err(status), Code::Unavailable, "GOING_DOWN");
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_ended_and_resumes_where_it_stood() {
    // Without patience: the first answer that finds no room ends the stream.
    on_every_engine(
        Config {
            slow_reader_ms: 0,
            ..quick()
        },
        async |stage| {
            let mut told = watch(&stage, from("start")).await.unwrap();
            let (mut seen, mut cursor) = (BTreeSet::new(), "start".to_owned());
            let mut ended = 0;
            // Whether it finds no room is a matter of who runs first; never to find none would be a fault.
            for round in 1..=20 {
                let calls = (0..200).map(|n| {
                    let stage = &stage;
                    let name = format!("m-{round}-{n}");
                    async move { stage.log(message(&name, "+62811", "halo")).await }
                });
                futures::future::join_all(calls).await;
                told_elsewhere(&stage, round * 200).await;
                while seen.len() < round * 200 {
                    match tokio::time::timeout(PATIENCE, told.message())
                        .await
                        .unwrap()
                    {
                        Ok(answer) => {
                            let answer = answer.unwrap();
                            seen.extend(
                                answer.interaction.map(|one| one.input.unwrap().external_id),
                            );
                            cursor = answer.cursor;
                        }
                        Err(status) => {
                            refused::<()>(Err(status), Code::ResourceExhausted, "SLOW_READER");
                            ended += 1;
                            told = watch(&stage, from(&cursor)).await.unwrap();
                        }
                    }
                }
                if ended > 0 {
                    return;
                }
            }
            panic!("a reader that does not read was never ended");
        },
    )
    .await;
}

/// Returns once another reader, who may be ended as well, was told so many; meanwhile the first one does not read.
async fn told_elsewhere(stage: &Stage, count: usize) {
    let (mut seen, mut cursor) = (BTreeSet::new(), "start".to_owned());
    while seen.len() < count {
        let mut other = watch(stage, from(&cursor)).await.unwrap();
        while seen.len() < count
            && let Ok(Ok(Some(answer))) = tokio::time::timeout(PATIENCE, other.message()).await
        {
            seen.extend(answer.interaction.map(|one| one.input.unwrap().external_id));
            cursor = answer.cursor;
        }
    }
}
