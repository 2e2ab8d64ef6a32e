//! How many contacts there were.

use rapport_foundation::testing::eventually;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use crate::stage::{Stage, at, call, message, on_every_engine, quick, violations};

/// The first of January 2026, midnight in UTC.
const NEW_YEAR: i64 = 1_767_225_600;

async fn count(
    stage: &Stage,
    asked: pb::CountInteractionsRequest,
) -> Result<Vec<pb::InteractionCount>, Status> {
    let answer = stage.counts().count_interactions(stage.asks(asked)).await?;
    Ok(answer.into_inner().counts)
}

fn range(from: i64, until: i64) -> pb::CountInteractionsRequest {
    pb::CountInteractionsRequest {
        from_time: Some(at(from)),
        until_time: Some(at(until)),
        ..Default::default()
    }
}

#[tokio::test]
async fn contacts_are_counted_by_dimensions_intervals_and_conditions() {
    on_every_engine(quick(), async |stage| {
        let day = 24 * 3600;
        for n in 0..30_i64 {
            let mut input = if n % 3 == 0 {
                call(&format!("c-{n}"), "+62811")
            } else {
                message(&format!("m-{n}"), "+62812", "halo")
            };
            input.event_time = Some(at(NEW_YEAR + n * 8 * 3600 + 1));
            input.provider = if n % 2 == 0 {
                "line".into()
            } else {
                String::new()
            };
            input.purpose = if n % 5 == 0 {
                types::Purpose::Feedback.into()
            } else {
                input.purpose
            };
            stage.log(input).await;
        }
        let whole = range(NEW_YEAR, NEW_YEAR + 10 * day);
        let total = eventually("all are counted", async || {
            let counts = count(&stage, whole.clone()).await.unwrap();
            counts.first().filter(|one| one.count == 30).cloned()
        })
        .await;
        assert_eq!(
            (total.start_time, total.end_time),
            (whole.from_time, whole.until_time)
        );
        assert_eq!((total.channel, total.asks_for_agent), (0, None));

        let mut by_channel = whole.clone();
        by_channel.dimensions = vec![
            pb::CountDimension::Channel.into(),
            pb::CountDimension::AsksForAgent.into(),
        ];
        let counts = count(&stage, by_channel).await.unwrap();
        let found: Vec<(types::Channel, Option<bool>, i64)> = counts
            .iter()
            .map(|one| (one.channel(), one.asks_for_agent, one.count))
            .collect();
        assert_eq!(
            found,
            [
                (types::Channel::Phone, Some(true), 10),
                (types::Channel::Messaging, Some(false), 4),
                (types::Channel::Messaging, Some(true), 16),
            ]
        );

        let mut others = whole.clone();
        others.dimensions = [
            pb::CountDimension::Kind,
            pb::CountDimension::Direction,
            pb::CountDimension::Purpose,
            pb::CountDimension::Provider,
            pb::CountDimension::Connector,
        ]
        .map(Into::into)
        .to_vec();
        let counts = count(&stage, others).await.unwrap();
        assert_eq!(counts.iter().map(|one| one.count).sum::<i64>(), 30);
        assert!(
            counts
                .iter()
                .all(|one| one.connector == "whatsapp" && one.kind != 0)
        );
        assert!(counts.iter().any(|one| one.provider == "line"));

        let mut days = whole.clone();
        days.interval = pb::CountInterval::Day.into();
        days.time_zone = "Asia/Jakarta".into();
        let counts = count(&stage, days).await.unwrap();
        // Jakarta's midnight is 17 o'clock in UTC: the first and the last day are cut short.
        assert_eq!(
            counts.iter().map(|one| one.count).collect::<Vec<_>>(),
            [3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
        );
        assert_eq!(counts[0].end_time, Some(at(NEW_YEAR + 17 * 3600)));

        let mut some = whole;
        some.provider = "line".into();
        some.connector = "whatsapp".into();
        some.kind = types::InteractionKind::Call.into();
        some.channel = types::Channel::Phone.into();
        some.direction = types::Direction::Inbound.into();
        some.asks_for_agent = Some(true);
        assert_eq!(count(&stage, some.clone()).await.unwrap()[0].count, 5);
        some.connector = "other".into();
        assert_eq!(count(&stage, some).await.unwrap(), []);
        stage.is_sound().await;

        let asked = range(NEW_YEAR, NEW_YEAR + day);
        let answer = stage
            .counts()
            .count_interactions(stage.stranger(asked))
            .await
            .unwrap();
        assert_eq!(answer.into_inner().counts, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_counted_has_limits() {
    on_every_engine(quick(), async |stage| {
        let mut asked = range(NEW_YEAR + 1, NEW_YEAR + 401 * 24 * 3600);
        asked.time_zone = "Mars/Olympus".into();
        asked.dimensions = vec![1, 1, 99];
        let wrong = violations(count(&stage, asked).await);
        let wrong: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            wrong,
            ["from_time", "until_time", "time_zone", "dimensions[2]"]
        );
        let mut twice = range(NEW_YEAR, NEW_YEAR + 3600);
        twice.dimensions = vec![1, 1];
        assert_eq!(violations(count(&stage, twice).await)[0].1, "TWICE");
        let status = count(&stage, pb::CountInteractionsRequest::default())
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    })
    .await;
}
