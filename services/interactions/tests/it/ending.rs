//! The end of a live contact.

use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use crate::stage::{Stage, at, call, message, on_every_engine, quick, refused, violations};

async fn end(
    stage: &Stage,
    external_id: &str,
    seconds: i64,
    reason: types::ContactEndReason,
) -> Result<pb::Interaction, tonic::Status> {
    end_with(stage, external_id, "", (seconds, reason)).await
}

async fn end_with(
    stage: &Stage,
    external_id: &str,
    key: &str,
    (seconds, reason): (i64, types::ContactEndReason),
) -> Result<pb::Interaction, tonic::Status> {
    let asked = pb::EndContactRequest {
        external_id: external_id.into(),
        end_time: Some(at(seconds)),
        reason: reason.into(),
        key: key.into(),
    };
    let answer = stage.client().end_contact(stage.says(asked)).await?;
    Ok(answer.into_inner().interaction.unwrap())
}

#[tokio::test]
async fn a_contact_ends_once() {
    on_every_engine(quick(), async |stage| {
        let left = types::ContactEndReason::CustomerLeft;
        let logged = stage.log(call("c-1", "+62811")).await;
        for _ in 0..2 {
            let ended = end(&stage, "c-1", 1_700_000_060, left).await.unwrap();
            assert_eq!(
                (ended.id.as_str(), ended.end_reason()),
                (logged.id.as_str(), left)
            );
            assert_eq!(ended.end_time, Some(at(1_700_000_060)));
        }
        let other = end(&stage, "c-1", 1_700_000_061, left).await;
        refused(other, Code::AlreadyExists, "CONTACT_ENDED_ALREADY");
        assert_eq!(
            stage.get(&logged.id).await.end_time,
            Some(at(1_700_000_060))
        );

        let told = stage
            .event("the end is told", |data| match data {
                Data::ContactEnded(ended) => Some(ended.clone()),
                _ => None,
            })
            .await;
        assert_eq!(told.interaction_id, logged.id);
        assert_eq!(told.conversation_id, logged.conversation_id);
        let ends = stage
            .events()
            .await
            .iter()
            .filter(|event| event.r#type == "contact_ended")
            .count();
        assert_eq!(ends, 1);
    })
    .await;
}

#[tokio::test]
async fn two_ends_at_the_same_time_leave_one() {
    on_every_engine(quick(), async |stage| {
        stage.log(call("c-1", "+62811")).await;
        let left = types::ContactEndReason::CustomerLeft;
        let calls = (0..10).map(|n| end(&stage, "c-1", 1_700_000_060 + n % 2, left));
        let answers = futures::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
        for answer in answers.into_iter().filter(Result::is_err) {
            refused(answer, Code::AlreadyExists, "CONTACT_ENDED_ALREADY");
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_end_is_refused() {
    on_every_engine(quick(), async |stage| {
        let done = types::ContactEndReason::Completed;
        stage.log(call("c-1", "+62811")).await;
        stage.log(message("m-1", "+62811", "halo")).await;
        refused(
            end(&stage, "m-1", 1_700_000_060, done).await,
            Code::FailedPrecondition,
            "NOT_LIVE",
        );
        let early = violations(end(&stage, "c-1", 1_699_999_999, done).await);
        assert_eq!(early, [("end_time".to_owned(), "BEFORE_START".to_owned())]);
        let wrong =
            violations(end(&stage, "", 1 << 40, types::ContactEndReason::Unspecified).await);
        let fields: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["external_id", "end_time", "reason"]);
        // Another connector's contact is as if it were not there: the end waits for one of its own.
        let asked = pb::EndContactRequest {
            external_id: "c-1".into(),
            end_time: Some(at(1_700_000_060)),
            reason: done.into(),
            key: String::new(),
        };
        let foreign = stage
            .client()
            .end_contact(stage.connector("mail", asked.clone()))
            .await;
        assert!(foreign.unwrap().into_inner().interaction.is_none());
        let nobody = stage.client().end_contact(stage.asks(asked)).await;
        refused(nobody, Code::PermissionDenied, "CONNECTOR_UNKNOWN");
    })
    .await;
}

#[tokio::test]
async fn a_contact_whose_customer_was_called_back_ends_again() {
    on_every_engine(quick(), async |stage| {
        let left = types::ContactEndReason::CustomerLeft;
        let logged = stage.log(call("c-1", "+62811")).await;
        end(&stage, "c-1", 1_700_000_060, left).await.unwrap();
        for _ in 0..2 {
            let again = end_with(&stage, "c-1", "back-1", (1_700_000_090, left));
            assert_eq!(again.await.unwrap().end_time, Some(at(1_700_000_090)));
        }
        // Not before the end that is known, and each key once.
        for (key, seconds) in [("back-2", 1_700_000_080), ("back-1", 1_700_000_100)] {
            let other = end_with(&stage, "c-1", key, (seconds, left)).await;
            refused(other, Code::AlreadyExists, "CONTACT_ENDED_ALREADY");
        }
        let read = stage.get(&logged.id).await;
        assert_eq!(read.end_time, Some(at(1_700_000_090)));
        eventually("both ends are told", async || {
            let events = stage.events().await;
            let ends = events.iter().filter_map(|event| match &event.data {
                Some(Data::ContactEnded(ended)) => ended.end_time,
                _ => None,
            });
            let ends: Vec<_> = ends.collect();
            (ends == [at(1_700_000_060), at(1_700_000_090)]).then_some(())
        })
        .await;
    })
    .await;
}
