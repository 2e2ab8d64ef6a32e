//! The rules of what asks for an agent.

use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;
use uuid::Uuid;

use crate::stage::{Stage, call, message, on_every_engine, quick, refused, violations};

fn rules(etag: &str, rules: Vec<pb::IntakeRule>) -> pb::SetIntakeRulesRequest {
    let intake_rules = Some(pb::IntakeRules {
        rules,
        etag: etag.into(),
    });
    pb::SetIntakeRulesRequest {
        request_id: Uuid::now_v7().to_string(),
        intake_rules,
    }
}

async fn set(
    stage: &Stage,
    asked: pb::SetIntakeRulesRequest,
) -> Result<pb::IntakeRules, tonic::Status> {
    let answer = stage.intake().set_intake_rules(stage.asks(asked)).await?;
    Ok(answer.into_inner().intake_rules.unwrap())
}

async fn get(stage: &Stage) -> pb::IntakeRules {
    let answer = stage
        .intake()
        .get_intake_rules(stage.asks(pb::GetIntakeRulesRequest {}))
        .await
        .unwrap();
    answer.into_inner().intake_rules.unwrap()
}

fn no_calls() -> pb::IntakeRule {
    pb::IntakeRule {
        kind: types::InteractionKind::Call.into(),
        ..Default::default()
    }
}

fn feedback() -> pb::IntakeRule {
    pb::IntakeRule {
        purpose: types::Purpose::Feedback.into(),
        asks_for_agent: true,
        routing: Some(types::RoutingHint {
            queue: "care".into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn rules_decide_for_contacts_logged_from_then_on() {
    on_every_engine(quick(), async |stage| {
        assert!(get(&stage).await.rules.is_empty());
        assert!(stage.log(call("c-1", "+62811")).await.asks_for_agent);
        let mut opinion = message("m-1", "+62811", "nice");
        opinion.purpose = types::Purpose::Feedback.into();
        assert!(!stage.log(opinion.clone()).await.asks_for_agent);

        let stored = set(&stage, rules("", vec![no_calls(), feedback()]))
            .await
            .unwrap();
        assert_eq!(stored.rules, [no_calls(), feedback()]);
        assert_eq!(get(&stage).await, stored);
        assert!(!stage.log(call("c-2", "+62811")).await.asks_for_agent);
        opinion.external_id = "m-2".into();
        assert!(stage.log(opinion.clone()).await.asks_for_agent);
        // History never does, whatever the rules say.
        opinion.external_id = "m-3".into();
        opinion.history = true;
        assert!(!stage.log(opinion).await.asks_for_agent);

        let queue = stage
            .event("the rule's queue is told", |data| match data {
                rapport_proto::events::v1::event::Data::InteractionRecorded(recorded) => {
                    recorded.interaction.as_ref()?.routing.clone()
                }
                _ => None,
            })
            .await;
        assert_eq!(queue.queue, "care");
    })
    .await;
}

#[tokio::test]
async fn rules_are_changed_with_the_etag_they_were_read_with() {
    on_every_engine(quick(), async |stage| {
        let before = get(&stage).await.etag;
        let first = set(&stage, rules(&before, vec![no_calls()])).await.unwrap();
        assert_ne!(first.etag, before);
        refused(
            set(&stage, rules(&before, vec![])).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
        assert_eq!(get(&stage).await, first);
        let second = set(&stage, rules(&first.etag, vec![])).await.unwrap();
        assert!(second.rules.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_same_request_has_one_effect() {
    on_every_engine(quick(), async |stage| {
        let asked = rules("", vec![no_calls()]);
        let first = set(&stage, asked.clone()).await.unwrap();
        assert_eq!(set(&stage, asked.clone()).await.unwrap(), first);
        let other = pb::SetIntakeRulesRequest {
            intake_rules: rules("", vec![]).intake_rules,
            ..asked
        };
        refused(
            set(&stage, other).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
        assert_eq!(get(&stage).await, first);
        let calls = (0..8).map(|_| set(&stage, rules("", vec![feedback()])));
        for answer in futures::future::join_all(calls).await {
            answer.unwrap();
        }
        assert_eq!(get(&stage).await.etag, "\"9\"");
    })
    .await;
}

#[tokio::test]
async fn malformed_rules_are_refused_at_once() {
    on_every_engine(quick(), async |stage| {
        let wrong = pb::IntakeRule {
            channel: 99,
            ..Default::default()
        };
        let mut asked = rules("x", vec![no_calls(), wrong]);
        asked.request_id = "no".into();
        let fields: Vec<String> = violations(set(&stage, asked).await)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        assert_eq!(
            fields,
            [
                "request_id",
                "intake_rules.rules[1].channel",
                "intake_rules.etag"
            ]
        );
        let many = violations(set(&stage, rules("", vec![no_calls(); 201])).await);
        assert_eq!(
            many,
            [("intake_rules.rules".to_owned(), "TOO_MANY".to_owned())]
        );
        let none = pb::SetIntakeRulesRequest {
            request_id: Uuid::now_v7().to_string(),
            intake_rules: None,
        };
        assert_eq!(
            violations(set(&stage, none).await),
            [("intake_rules".to_owned(), "REQUIRED".to_owned())]
        );
    })
    .await;
}
