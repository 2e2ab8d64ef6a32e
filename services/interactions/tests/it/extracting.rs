//! Stretches of the log, told contact by contact.

mod content;

use futures::TryStreamExt as _;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status, Streaming};

use crate::stage::{Stage, at, call, message, on_every_engine, quick, refused, violations};

/// When the contacts of these tests took place.
const THEN: i64 = 1_700_000_000;

async fn open(
    stage: &Stage,
    asked: &pb::ExportInteractionsRequest,
) -> Result<Streaming<pb::ExportInteractionsResponse>, Status> {
    let request = stage.asks(asked.clone());
    let answer = stage.exports().export_interactions(request).await?;
    Ok(answer.into_inner())
}

/// Everything that is told, with the signs of life.
async fn told(
    stage: &Stage,
    asked: &pb::ExportInteractionsRequest,
) -> Result<Vec<pb::ExportInteractionsResponse>, Status> {
    open(stage, asked).await?.try_collect().await
}

async fn export(
    stage: &Stage,
    asked: &pb::ExportInteractionsRequest,
) -> Result<Vec<pb::ExportInteractionsResponse>, Status> {
    let mut told = told(stage, asked).await?;
    told.retain(|one| one.interaction.is_some());
    Ok(told)
}

fn behind(asked: &pb::ExportInteractionsRequest, cursor: &str) -> pb::ExportInteractionsRequest {
    pb::ExportInteractionsRequest {
        cursor: cursor.to_owned(),
        ..asked.clone()
    }
}

fn everything() -> pb::ExportInteractionsRequest {
    pb::ExportInteractionsRequest::default()
}

/// The connectors' keys of what was told, in its order.
fn names(told: &[pb::ExportInteractionsResponse]) -> Vec<String> {
    let told = told.iter().filter_map(|one| one.interaction.as_ref());
    told.map(|one| one.input.as_ref().unwrap().external_id.clone())
        .collect()
}

async fn fitting(stage: &Stage, asked: pb::ExportInteractionsRequest) -> Vec<String> {
    names(&export(stage, &asked).await.unwrap())
}

/// Logs many contacts in one call.
async fn log(stage: &Stage, inputs: impl IntoIterator<Item = pb::InteractionInput>) {
    let items: Vec<_> = inputs
        .into_iter()
        .map(|input| pb::UploadInteractionsRequest {
            interaction: Some(input),
            fact: None,
        })
        .collect();
    let count = items.len();
    let request = stage.says(futures::stream::iter(items));
    let answer = stage.client().upload_interactions(request).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.logged_count, i64::try_from(count).unwrap());
}

/// A message that took place so many seconds after the first.
fn later(external_id: &str, seconds: i64) -> pb::InteractionInput {
    pb::InteractionInput {
        event_time: Some(at(THEN + seconds)),
        ..message(external_id, "+62811", "halo")
    }
}

#[tokio::test]
async fn a_stretch_is_told_in_its_order_and_goes_on_behind_every_cursor() {
    on_every_engine(quick(), async |stage| {
        // Out of order, three of each moment.
        let inputs = (0..300).map(|n| later(&format!("m-{n:03}"), (n * 7) % 100));
        log(&stage, inputs).await;
        let asked = everything();
        let all = export(&stage, &asked).await.unwrap();
        assert_eq!(all.len(), 300);
        let places: Vec<(i64, String)> = all
            .iter()
            .map(|one| one.interaction.as_ref().unwrap())
            .map(|one| {
                let input = one.input.as_ref().unwrap();
                (input.event_time.unwrap().seconds, one.id.clone())
            })
            .collect();
        assert!(places.is_sorted() && places.windows(2).all(|two| two[0] != two[1]));
        assert!(all.iter().all(|one| one.cursor.len() <= 512));

        let told = names(&all);
        for (place, one) in all.iter().enumerate().step_by(23).chain([(299, &all[299])]) {
            let rest = export(&stage, &behind(&asked, &one.cursor)).await.unwrap();
            assert_eq!(names(&rest), told[place + 1..], "behind {place}");
        }
        // A reader that leaves in the middle goes on where it left.
        let mut stream = open(&stage, &asked).await.unwrap();
        let mut some = Vec::new();
        while some.len() < 150 {
            some.push(stream.message().await.unwrap().unwrap());
        }
        drop(stream);
        let rest = export(&stage, &behind(&asked, &some[149].cursor)).await;
        some.extend(rest.unwrap());
        assert_eq!(names(&some), told);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_belongs_to_its_request_and_its_tenant_and_others_are_told_nothing() {
    on_every_engine(quick(), async |stage| {
        log(&stage, [later("m-1", 1), later("m-2", 2)]).await;
        let cursor = export(&stage, &everything()).await.unwrap()[0]
            .cursor
            .clone();
        let mut other = behind(&everything(), &cursor);
        other.channel = types::Channel::Messaging.into();
        refused(
            export(&stage, &other).await,
            Code::InvalidArgument,
            "PAGE_TOKEN_FOREIGN",
        );
        let stranger = async |asked: pb::ExportInteractionsRequest| {
            let request = stage.stranger(asked);
            let told = stage.exports().export_interactions(request).await?;
            told.into_inner().try_collect::<Vec<_>>().await
        };
        assert_eq!(stranger(everything()).await.unwrap(), []);
        for cursor in ["x", &cursor] {
            refused(
                stranger(behind(&everything(), cursor)).await,
                Code::InvalidArgument,
                "PAGE_TOKEN_FOREIGN",
            );
        }
        let nobodys = pb::ExportInteractionsRequest {
            customer_id: stage.fake.customer(stage.tenant, "+62811").customer_id,
            ..everything()
        };
        assert_eq!(stranger(nobodys).await.unwrap_err().code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn every_condition_fits_what_it_says() {
    on_every_engine(quick(), async |stage| {
        let mut by_phone = call("call", "+62822");
        by_phone.event_time = Some(at(THEN + 10));
        let mut ours = later("ours", 20);
        ours.direction = types::Direction::Outbound.into();
        let mut angry = later("angry", 30);
        angry.purpose = types::Purpose::Complaint.into();
        angry.provider = "line".into();
        let mut english = later("english", 40);
        english.attributes = [("topic".to_owned(), "refund=7".to_owned())].into();
        english.hints = Some(pb::ContactHints {
            language: "en-GB".into(),
            ..Default::default()
        });
        log(&stage, [by_phone, ours, angry, english]).await;
        let mut elsewhere = later("elsewhere", 50);
        elsewhere.participants = message("", "+62833", "").participants;
        let asked = pb::RecordInteractionRequest {
            interaction: Some(elsewhere),
        };
        let request = stage.connector("shop", asked);
        stage.client().record_interaction(request).await.unwrap();

        let all = ["call", "ours", "angry", "english", "elsewhere"];
        assert_eq!(fitting(&stage, everything()).await, all);
        type Condition<'a> = (
            &'a dyn Fn(&mut pb::ExportInteractionsRequest),
            &'a [&'a str],
        );
        let conditions: [Condition<'_>; 13] = [
            (&|one| one.channel = types::Channel::Phone.into(), &["call"]),
            (
                &|one| one.direction = types::Direction::Outbound.into(),
                &["ours"],
            ),
            (
                &|one| one.purpose = types::Purpose::Complaint.into(),
                &["angry"],
            ),
            (
                &|one| one.kind = types::InteractionKind::Call.into(),
                &["call"],
            ),
            (&|one| one.provider = "line".into(), &["angry"]),
            (&|one| one.connector = "shop".into(), &["elsewhere"]),
            (&|one| one.language = "en".into(), &["english"]),
            (&|one| one.language = "EN-gb".into(), &["english"]),
            (&|one| one.language = "en-US".into(), &[]),
            (&|one| one.tag = "topic=refund=7".into(), &["english"]),
            (&|one| one.tag = "topic=refund".into(), &[]),
            (
                &|one| {
                    one.from_time = Some(at(THEN + 20));
                    one.until_time = Some(at(THEN + 40));
                },
                &["ours", "angry"],
            ),
            (
                &|one| {
                    one.from_time = Some(at(THEN + 20));
                    one.kind = types::InteractionKind::Message.into();
                    one.connector = "whatsapp".into();
                    one.language = "en".into();
                },
                &["english"],
            ),
        ];
        for (number, (change, expected)) in conditions.into_iter().enumerate() {
            let mut asked = everything();
            change(&mut asked);
            assert_eq!(fitting(&stage, asked).await, expected, "condition {number}");
        }

        let customer = stage.fake.customer(stage.tenant, "+62811").customer_id;
        let theirs = pb::ExportInteractionsRequest {
            customer_id: customer,
            ..everything()
        };
        let told = eventually("all are linked", async || {
            let told = export(&stage, &theirs).await.unwrap();
            (told.len() == 3).then_some(told)
        })
        .await;
        assert_eq!(names(&told), ["ours", "angry", "english"]);
        let rest = export(&stage, &behind(&theirs, &told[0].cursor)).await;
        assert_eq!(names(&rest.unwrap()), ["angry", "english"]);
        let mut some = theirs;
        some.until_time = Some(at(THEN + 30));
        assert_eq!(fitting(&stage, some).await, ["ours"]);
    })
    .await;
}

#[tokio::test]
async fn a_stretch_does_not_grow_while_others_write() {
    on_every_engine(quick(), async |stage| {
        log(&stage, (0..200).map(|n| later(&format!("m-{n:03}"), n))).await;
        let mut stream = open(&stage, &everything()).await.unwrap();
        let first = stream.message().await.unwrap().unwrap();
        // Behind the reader and before it, while it reads.
        let (told, ()) = futures::join!(
            async { stream.try_collect::<Vec<_>>().await.unwrap() },
            async {
                log(&stage, (0..200).map(|n| later(&format!("n-{n:03}"), n))).await;
            }
        );
        let expected: Vec<String> = (0..200).map(|n| format!("m-{n:03}")).collect();
        assert_eq!(names(&told), expected[1..]);
        // Nor when it is gone on with after they wrote.
        let rest = export(&stage, &behind(&everything(), &first.cursor)).await;
        assert_eq!(names(&rest.unwrap()), expected[1..]);
        assert_eq!(fitting(&stage, everything()).await.len(), 400);

        // Stretches by the time of receipt join without gaps and without doubles.
        let all = export(&stage, &everything()).await.unwrap();
        let mut all = all.into_iter().filter_map(|one| one.interaction);
        let found = all.find(|one| one.input.as_ref().unwrap().external_id == "n-000");
        let border = found.unwrap().receive_time;
        let mut before = everything();
        before.receive_until_time = border;
        let mut since = everything();
        since.receive_from_time = border;
        let before = fitting(&stage, before).await;
        let since = fitting(&stage, since).await;
        assert_eq!(before, expected);
        assert_eq!(since.len(), 200);
        let tomorrow = Clock::system().now() + std::time::Duration::from_secs(86_400);
        let mut future = everything();
        future.receive_until_time = Some(tomorrow.into());
        let mut stream = open(&stage, &future).await.unwrap();
        let first = stream.message().await.unwrap().unwrap();
        drop(stream);
        log(&stage, [later("late", 1000)]).await;
        let rest = export(&stage, &behind(&future, &first.cursor))
            .await
            .unwrap();
        assert_eq!(rest.len(), 399, "an end that lies ahead is the beginning");
    })
    .await;
}

#[tokio::test]
async fn who_waits_for_what_hardly_fits_is_shown_how_far_it_came() {
    let config = Config {
        heartbeat_ms: 0,
        ..quick()
    };
    on_every_engine(config, async |stage| {
        let mut last = later("last", 1000);
        last.hints = Some(pb::ContactHints {
            language: "fil".into(),
            ..Default::default()
        });
        let others = (0..300).map(|n| later(&format!("m-{n:03}"), n));
        log(&stage, others.chain([last])).await;
        let asked = pb::ExportInteractionsRequest {
            language: "fil".into(),
            ..everything()
        };
        let told = told(&stage, &asked).await.unwrap();
        let signs = told.iter().filter(|one| one.interaction.is_none()).count();
        assert!(signs >= 2, "{signs} signs of life");
        for one in told.iter().filter(|one| one.interaction.is_none()) {
            let rest = export(&stage, &behind(&asked, &one.cursor)).await.unwrap();
            // Only the very last cursor is behind it.
            let over = one.cursor == told[told.len() - 1].cursor;
            let expected: &[&str] = if over { &[] } else { &["last"] };
            assert_eq!(names(&rest), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_loses_the_stream_and_goes_on_where_it_stood() {
    // Without patience: the first answer that finds no room ends the stream.
    let config = Config {
        slow_reader_ms: 0,
        ..quick()
    };
    on_every_engine(config, async |stage| {
        log(&stage, (0..300).map(|n| later(&format!("m-{n:03}"), n))).await;
        let (mut told, mut lost) = (Vec::new(), 0);
        let mut asked = everything();
        // How long it takes until answers have found no room depends on what else the machine does.
        let mut away = std::time::Duration::from_millis(20);
        while lost == 0 || told.len() < 300 {
            if lost == 0 {
                told.clear();
                asked = everything();
                away *= 2;
                assert!(away.as_secs() < 30, "no answer ever found no room");
            }
            let mut stream = open(&stage, &asked).await.unwrap();
            tokio::time::sleep(away).await;
            loop {
                match stream.message().await {
                    Ok(Some(one)) => {
                        asked.cursor.clone_from(&one.cursor);
                        told.push(one);
                    }
                    Ok(None) => break,
                    Err(status) => {
                        lost += 1;
                        away = std::time::Duration::ZERO;
                        refused::<()>(Err(status), Code::ResourceExhausted, "SLOW_READER");
                        break;
                    }
                }
            }
        }
        let expected: Vec<String> = (0..300).map(|n| format!("m-{n:03}")).collect();
        assert_eq!(names(&told), expected);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_nothing_is_an_empty_stream() {
    on_every_engine(quick(), async |stage| {
        assert_eq!(export(&stage, &everything()).await.unwrap(), []);
        let asked = pb::ExportInteractionsRequest {
            from_time: Some(at(2)),
            until_time: Some(at(1)),
            receive_from_time: Some(at(2)),
            receive_until_time: Some(at(1)),
            channel: 99,
            direction: 99,
            purpose: 99,
            kind: 99,
            provider: "LINE".into(),
            connector: "c".repeat(129),
            customer_id: "int_x".into(),
            language: "l".repeat(36),
            tag: "topic".into(),
            cursor: String::new(),
        };
        let wrong: Vec<String> = violations(export(&stage, &asked).await)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        assert_eq!(
            wrong,
            [
                "provider",
                "channel",
                "direction",
                "purpose",
                "kind",
                "connector",
                "customer_id",
                "language",
                "tag",
                "until_time",
                "receive_until_time"
            ]
        );
    })
    .await;
}
