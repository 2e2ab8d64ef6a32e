//! Every contact once.

use std::collections::HashSet;

use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::stage::{at, message, on_every_engine, quick, refused, violations};

#[tokio::test]
async fn a_contact_is_logged_and_reads_back_as_it_was_said() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "+62811", "halo \u{1f600}");
        input.subject = "Pesanan".into();
        input.thread_key = "chat-1".into();
        input.participants.push(pb::Participant {
            role: pb::ParticipantRole::Bot.into(),
            ..Default::default()
        });
        input.attributes = [("device".to_owned(), "ios".to_owned())].into();
        input.raw_payload = vec![0, 1, 2].into();
        input.hints = Some(pb::ContactHints {
            language: "id".into(),
            ..Default::default()
        });
        input.routing = Some(types::RoutingHint {
            queue: "billing".into(),
            ..Default::default()
        });
        input.order = Some(types::Order {
            order_id: "o-1".into(),
            total: Some(types::Amount {
                units: 150_000,
                code: "IDR".into(),
                exponent: 0,
            }),
            ..Default::default()
        });
        input.parts.push(pb::Part {
            content: Some(pb::part::Content::Attachment(pb::Attachment {
                uri: "https://cdn.example/x".into(),
                media_type: "image/png".into(),
                size_bytes: 5,
                file_name: "x.png".into(),
                ..pb::Attachment::default()
            })),
            ..Default::default()
        });
        let logged = stage.log(input.clone()).await;
        assert!(logged.id.starts_with("int_") && logged.conversation_id.starts_with("cnv_"));
        assert_eq!(logged.connector, "whatsapp");
        assert!(logged.asks_for_agent);
        assert_eq!(logged.input.as_ref(), Some(&input));
        let read = stage.get(&logged.id).await;
        assert_eq!(read.input, Some(input));
        assert_eq!(
            (&read.id, &read.receive_time),
            (&logged.id, &logged.receive_time)
        );

        let facts = stage
            .event("the contact is told", |data| match data {
                Data::InteractionRecorded(recorded) => recorded.interaction.clone(),
                _ => None,
            })
            .await;
        assert_eq!(facts.interaction_id, logged.id);
        assert_eq!(facts.routing.unwrap().queue, "billing");
        assert_eq!(facts.order.unwrap().order_id, "o-1");
    })
    .await;
}

#[tokio::test]
async fn the_same_again_is_a_duplicate_and_something_else_a_conflict() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(message("m-1", "+62811", "halo")).await;
        let mut again = message("m-1", "+62 811", "halo\r\n");
        again.raw_payload = b"second delivery".to_vec().into();
        let again = stage.record(again).await.unwrap();
        assert!(again.duplicate);
        assert_eq!(again.interaction.unwrap().id, first.id);

        for _ in 0..2 {
            let other = stage
                .record(message("m-1", "+62811", "something else"))
                .await;
            refused(other, Code::AlreadyExists, "EXTERNAL_ID_REUSED");
        }
        let another = stage.record(message("m-1", "+62899", "halo, lagi")).await;
        let status = another.as_ref().unwrap_err();
        let differ = status.get_details_bad_request().unwrap().field_violations;
        let differ: Vec<&str> = differ.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            differ,
            ["interaction.participants[0]", "interaction.parts[0]"]
        );
        refused(another, Code::AlreadyExists, "EXTERNAL_ID_REUSED");
        // The same key of another connector is another contact.
        let mail = pb::RecordInteractionRequest {
            interaction: Some(message("m-1", "+62811", "other")),
        };
        let mail = stage
            .client()
            .record_interaction(stage.connector("mail", mail))
            .await
            .unwrap();
        assert!(!mail.into_inner().duplicate);

        let asked = pb::ListConflictsRequest::default();
        let kept = stage
            .client()
            .list_conflicts(stage.says(asked))
            .await
            .unwrap()
            .into_inner();
        let numbers: Vec<i64> = kept.conflicts.iter().map(|one| one.number).collect();
        assert_eq!(numbers, [2, 1]);
        assert!(
            kept.conflicts
                .iter()
                .all(|one| one.interaction_id == first.id)
        );
        let said = kept.conflicts[1].input.as_ref().unwrap();
        assert_eq!(said.parts, message("m-1", "", "something else").parts);
    })
    .await;
}

#[tokio::test]
async fn a_connector_sees_its_own_conflicts_only() {
    on_every_engine(quick(), async |stage| {
        for number in 0..5 {
            stage
                .log(message(&format!("m-{number}"), "+62811", "halo"))
                .await;
            let other = stage
                .record(message(&format!("m-{number}"), "+62811", "other"))
                .await;
            refused(other, Code::AlreadyExists, "EXTERNAL_ID_REUSED");
        }
        let mut client = stage.client();
        let none =
            client.list_conflicts(stage.connector("mail", pb::ListConflictsRequest::default()));
        assert!(none.await.unwrap().into_inner().conflicts.is_empty());
        let foreign = pb::ListConflictsRequest {
            connector: "whatsapp".into(),
            ..Default::default()
        };
        let foreign = client
            .list_conflicts(stage.connector("mail", foreign))
            .await;
        refused(foreign, Code::PermissionDenied, "CONNECTOR_FOREIGN");

        let mut asked = pb::ListConflictsRequest {
            page_size: 2,
            ..Default::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = client
                .list_conflicts(stage.asks(asked.clone()))
                .await
                .unwrap()
                .into_inner();
            seen.extend(page.conflicts.iter().map(|one| one.number));
            if page.next_page_token.is_empty() {
                break;
            }
            asked.page_token = page.next_page_token;
        }
        assert_eq!(seen, [5, 4, 3, 2, 1]);
    })
    .await;
}

#[tokio::test]
async fn many_callers_on_few_keys_log_each_key_once() {
    on_every_engine(quick(), async |stage| {
        let calls = (0..200).map(|n| {
            let stage = &stage;
            async move {
                let answer = stage
                    .record(message(&format!("m-{}", n % 10), "+62811", "halo"))
                    .await
                    .unwrap();
                (answer.interaction.unwrap().id, answer.duplicate)
            }
        });
        let answers = futures::future::join_all(calls).await;
        let fresh = answers.iter().filter(|(_, duplicate)| !duplicate).count();
        let ids: HashSet<&String> = answers.iter().map(|(id, _)| id).collect();
        assert_eq!((fresh, ids.len()), (10, 10));
        stage.logged(10).await;
        let events = stage.events().await;
        let recorded = events
            .iter()
            .filter(|event| event.r#type == "interaction_recorded");
        assert_eq!(recorded.count(), 10);
    })
    .await;
}

#[tokio::test]
async fn contents_that_disagree_in_one_batch_leave_one_winner_and_conflicts() {
    on_every_engine(quick(), async |stage| {
        let calls =
            (0..40).map(|n| stage.record(message("m-1", "+62811", &format!("text {}", n % 4))));
        let answers = futures::future::join_all(calls).await;
        let fresh = answers
            .iter()
            .filter(|answer| answer.as_ref().is_ok_and(|one| !one.duplicate))
            .count();
        let same = answers
            .iter()
            .filter(|answer| answer.as_ref().is_ok_and(|one| one.duplicate))
            .count();
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!((fresh, same, refused), (1, 9, 30));
        let asked = pb::ListConflictsRequest::default();
        let kept = stage
            .client()
            .list_conflicts(stage.asks(asked))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(kept.conflicts.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn interactions_of_one_thread_are_one_conversation() {
    on_every_engine(quick(), async |stage| {
        let calls = (0..30).map(|n| {
            let mut input = message(&format!("m-{n}"), "+62811", "halo");
            input.thread_key = format!("thread-{}", n % 3);
            input.event_time = Some(at(1_700_000_000 + n));
            if n % 2 == 1 {
                input.channel = types::Channel::Email.into();
            }
            stage.record(input)
        });
        let answers = futures::future::join_all(calls).await;
        let ids: HashSet<String> = answers
            .into_iter()
            .map(|answer| answer.unwrap().interaction.unwrap().conversation_id)
            .collect();
        assert_eq!(ids.len(), 3);
        let alone = stage.log(message("alone", "+62811", "halo")).await;
        assert!(!ids.contains(&alone.conversation_id));

        for id in ids {
            let asked = pb::GetConversationRequest {
                conversation_id: id,
            };
            let found = stage
                .conversations()
                .get_conversation(stage.asks(asked))
                .await
                .unwrap()
                .into_inner();
            let found = found.conversation.unwrap();
            assert_eq!((found.interaction_count, found.channels.len()), (10, 2));
            let thread: i64 = found
                .thread_key
                .strip_prefix("thread-")
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(found.first_event_time, Some(at(1_700_000_000 + thread)));
            assert_eq!(found.last_event_time, Some(at(1_700_000_027 + thread)));
            assert_eq!(found.connector, "whatsapp");
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_connector_may_log() {
    on_every_engine(quick(), async |stage| {
        let asked = pb::RecordInteractionRequest {
            interaction: Some(message("m-1", "+62811", "halo")),
        };
        let staff = stage
            .client()
            .record_interaction(stage.asks(asked.clone()))
            .await;
        refused(staff, Code::PermissionDenied, "CONNECTOR_UNKNOWN");
        // A connector's kind without a name is no connector.
        let nameless = Context::from(Claims::new(stage.tenant, "x", PrincipalKind::Connector));
        let nameless = stage
            .client()
            .record_interaction(stage.t.request_as(&nameless, asked))
            .await;
        refused(nameless, Code::PermissionDenied, "CONNECTOR_UNKNOWN");
    })
    .await;
}

#[tokio::test]
async fn a_malformed_contact_is_refused_with_every_violation_and_nothing_is_stored() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("", "", "a\0");
        input.kind = 77;
        input.event_time = None;
        let wrong = violations(stage.record(input).await);
        let reasons: Vec<(&str, &str)> = wrong
            .iter()
            .map(|(field, reason)| (field.as_str(), reason.as_str()))
            .collect();
        for expected in [
            ("interaction.external_id", "REQUIRED"),
            ("interaction.kind", "UNKNOWN_VALUE"),
            ("interaction.event_time", "REQUIRED"),
            ("interaction.participants[0].identifier.value", "REQUIRED"),
            ("interaction.parts[0].text", "CONTROL_CHARACTER"),
        ] {
            assert!(reasons.contains(&expected), "{expected:?} in {reasons:?}");
        }
        let missing = stage
            .client()
            .record_interaction(stage.says(pb::RecordInteractionRequest::default()))
            .await;
        assert_eq!(
            violations(missing),
            [("interaction".to_owned(), "REQUIRED".to_owned())]
        );
        let all = stage
            .client()
            .list_interactions(stage.asks(pb::ListInteractionsRequest::default()))
            .await;
        assert!(all.unwrap().into_inner().interactions.is_empty());
    })
    .await;
}
