//! Many contacts on one stream.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use rapport_foundation::db::Engine;
use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::stage::{message, on_every_engine, quick, refused};

fn item(sequence: i64, input: pb::InteractionInput) -> pb::StreamInteractionsRequest {
    pb::StreamInteractionsRequest {
        sequence,
        interaction: Some(input),
        fact: None,
    }
}

#[tokio::test]
async fn each_item_is_acknowledged_or_refused_and_the_stream_goes_on() {
    on_every_engine(quick(), async |stage| {
        let mut items = Vec::new();
        for n in 0..600 {
            items.push(item(
                n,
                message(&format!("m-{}", n % 300), "+62811", "halo"),
            ));
        }
        items.push(item(1000, message("", "+62811", "no key")));
        items.push(item(1001, message("m-1", "+62811", "other content")));
        items.push(pb::StreamInteractionsRequest {
            sequence: 1002,
            ..Default::default()
        });
        items.push(item(1003, message("last", "+62811", "halo")));
        let request = stage.says(futures::stream::iter(items));
        let answers = stage
            .client()
            .stream_interactions(request)
            .await
            .unwrap()
            .into_inner();
        let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
        assert_eq!(answers.len(), 604);
        let by_number: HashMap<i64, _> = answers
            .into_iter()
            .map(|answer| (answer.sequence, answer))
            .collect();
        let fresh = (0..600).filter(|n| !by_number[n].duplicate).count();
        assert_eq!(fresh, 300);
        for n in 0..300 {
            assert!(by_number[&n].error.is_none());
            assert_eq!(
                by_number[&n].interaction_id,
                by_number[&(n + 300)].interaction_id
            );
        }
        let error = by_number[&1000].error.as_ref().unwrap();
        assert_eq!(
            (error.code, error.reason.as_str()),
            (Code::InvalidArgument as i32, "INVALID_REQUEST")
        );
        assert_eq!(error.violations[0].field, "interaction.external_id");
        let error = by_number[&1001].error.as_ref().unwrap();
        assert_eq!(
            (error.code, error.reason.as_str()),
            (Code::AlreadyExists as i32, "EXTERNAL_ID_REUSED")
        );
        let differ: Vec<_> = error
            .violations
            .iter()
            .map(|one| (one.field.as_str(), one.reason.as_str()))
            .collect();
        assert_eq!(differ, [("interaction.parts[0]", "DIFFERS")]);
        assert_eq!(
            by_number[&1002].error.as_ref().unwrap().violations[0].field,
            "interaction"
        );
        assert!(by_number[&1003].error.is_none());
    })
    .await;
}

#[tokio::test]
async fn items_are_answered_while_the_stream_is_still_open() {
    on_every_engine(quick(), async |stage| {
        let (items, outgoing) = mpsc::channel(1);
        let request = stage.says(ReceiverStream::new(outgoing));
        let mut answers = stage
            .client()
            .stream_interactions(request)
            .await
            .unwrap()
            .into_inner();
        for n in 0..3 {
            items
                .send(item(n, message(&format!("m-{n}"), "+62811", "halo")))
                .await
                .unwrap();
            assert_eq!(answers.next().await.unwrap().unwrap().sequence, n);
        }
        drop(items);
        assert!(answers.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_connector_that_stops_reading_is_not_buffered_without_bound_and_is_ended() {
    // Without patience: the first answer that finds no room ends the stream.
    let config = Config {
        stream_in_flight: 8,
        slow_reader_ms: 0,
        ..quick()
    };
    on_every_engine(config, async |stage| {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let items = futures::stream::iter(0..100_000_i64).map(move |n| {
            counted.fetch_add(1, Ordering::SeqCst);
            item(n, message(&format!("m-{n}"), "+62811", "halo"))
        });
        let mut answers = stage
            .client()
            .stream_interactions(stage.says(items))
            .await
            .unwrap()
            .into_inner();
        // More than there is room for answers.
        stage.logged(70).await;
        let last = loop {
            match answers.next().await {
                Some(Ok(_)) => {}
                last => break last,
            }
        };
        refused(last.unwrap(), Code::ResourceExhausted, "SLOW_READER");
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken < 5_000, "{taken} items were taken in");
    })
    .await;
}

#[tokio::test]
async fn a_stream_needs_a_connector_and_ends_when_the_service_goes_down() {
    on_every_engine(quick(), async |stage| {
        let nobody = stage
            .client()
            .stream_interactions(stage.asks(futures::stream::empty()))
            .await;
        refused(
            nobody.map(|_| ()),
            Code::PermissionDenied,
            "CONNECTOR_UNKNOWN",
        );

        let (items, outgoing) = mpsc::channel(1);
        let request = stage.says(ReceiverStream::new(outgoing));
        let mut answers = stage
            .client()
            .stream_interactions(request)
            .await
            .unwrap()
            .into_inner();
        items
            .send(item(1, message("m-1", "+62811", "halo")))
            .await
            .unwrap();
        assert!(answers.next().await.unwrap().is_ok());
        stage.t.env.shutdown.cancel();
        refused(
            answers.next().await.unwrap(),
            Code::Unavailable,
            "GOING_DOWN",
        );
    })
    .await;
}

#[tokio::test]
async fn an_upload_is_answered_once_with_what_was_refused() {
    on_every_engine(quick(), async |stage| {
        let upload = |external_id: &str, text: &str| pb::UploadInteractionsRequest {
            interaction: Some(message(external_id, "+62811", text)),
            fact: None,
        };
        let mut items: Vec<_> = (0..500)
            .map(|n| upload(&format!("m-{n}"), "halo"))
            .collect();
        items.push(upload("m-7", "halo"));
        items.push(upload("m-8", "other"));
        items.push(upload("", "halo"));
        let request = stage.says(futures::stream::iter(items));
        let answer = stage.client().upload_interactions(request).await;
        let answer = answer.unwrap().into_inner();
        assert_eq!(
            (
                answer.logged_count,
                answer.duplicate_count,
                answer.refused_count
            ),
            (500, 1, 2)
        );
        let refused: Vec<_> = answer
            .refusals
            .into_iter()
            .map(|one| (one.number, one.error.unwrap().reason))
            .collect();
        assert_eq!(
            refused,
            [
                (502, "EXTERNAL_ID_REUSED".to_owned()),
                (503, "INVALID_REQUEST".to_owned())
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn streams_of_large_items_wait_for_room_before_they_are_read() {
    on_every_engine(quick(), async |stage| {
        // While this transaction is open nothing is logged.
        let (stalled, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let db = stage.t.env.db.clone();
        let (held, open) = (Arc::clone(&stalled), Arc::clone(&release));
        let stall = tokio::spawn(async move {
            db.system_write(async |s| {
                if s.engine() == Engine::Postgres {
                    // It is held for longer than the server lets anybody hold anything.
                    s.raw_exec("set local idle_in_transaction_session_timeout = 0", [])
                        .await?;
                    s.raw_exec("lock table interaction in share mode", [])
                        .await?;
                }
                held.notify_one();
                open.notified().await;
                Ok::<(), rapport_foundation::db::Error>(())
            })
            .await
        });
        let wait = tokio::time::timeout(std::time::Duration::from_secs(10), stalled.notified());
        wait.await.unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let streams = (0..4).map(|stream| {
            let (stage, counted) = (&stage, Arc::clone(&taken));
            // Where no text is, which would be looked through for numbers: that takes time, and this is about room.
            let items = futures::stream::iter(0..100_i64).map(move |n| {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut input = message(&format!("{stream}-{n}"), "+62811", "halo");
                input.raw_payload = vec![0xff; 256 * 1024].into();
                item(n, input)
            });
            async move {
                let request = stage.says(items);
                let answers = stage.client().stream_interactions(request).await.unwrap();
                answers
                    .into_inner()
                    .map(|one| one.unwrap().error)
                    .collect::<Vec<_>>()
                    .await
            }
        });
        let watched = async {
            // Until nothing more is taken in.
            let mut before = 0;
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
                let now = taken.load(Ordering::SeqCst);
                if now == before && now > 0 {
                    break;
                }
                before = now;
            }
            release.notify_one();
            before
        };
        let (answers, most) = tokio::join!(futures::future::join_all(streams), watched);
        stall.await.unwrap().unwrap();
        // 64 MiB of them, and of each stream what is on its way.
        assert!((240..=360).contains(&most), "{most} items were taken in");
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(answers.len(), 400);
        let refused: Vec<_> = answers.into_iter().flatten().collect();
        assert!(refused.is_empty(), "{:?}", refused.first());
    })
    .await;
}
