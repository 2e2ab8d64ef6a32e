//! What becomes known of a contact after it was logged, or before.

use futures::StreamExt as _;
use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::fact_input::Fact;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use crate::stage::{Stage, at, call, message, on_every_engine, quick, refused, violations};

const START: i64 = 1_700_000_000;

pub(crate) fn fact(external_id: &str, key: &str, seconds: i64, fact: Fact) -> pb::FactInput {
    pb::FactInput {
        external_id: external_id.into(),
        key: key.into(),
        event_time: Some(at(START + seconds)),
        fact: Some(fact),
        ..Default::default()
    }
}

pub(crate) fn delivery(state: pb::DeliveryState) -> Fact {
    Fact::Delivery(pb::DeliveryStatus {
        state: state.into(),
        ..Default::default()
    })
}

fn text(text: &str) -> pb::Part {
    pb::Part {
        content: Some(pb::part::Content::Text(text.into())),
        ..Default::default()
    }
}

pub(crate) fn edit(said: &str) -> Fact {
    Fact::Edit(pb::Edit {
        parts: vec![text(said)],
    })
}

pub(crate) fn said(offset_ms: i64, text: &str) -> Fact {
    Fact::Transcript(pb::Transcript {
        language: "id".into(),
        segments: vec![pb::TranscriptSegment {
            speaker: pb::ParticipantRole::Customer.into(),
            offset_ms,
            text: text.into(),
            ..Default::default()
        }],
    })
}

fn end(reason: types::ContactEndReason) -> Fact {
    Fact::End(pb::ContactEnd {
        reason: reason.into(),
    })
}

pub(crate) async fn tell(
    stage: &Stage,
    fact: pb::FactInput,
) -> Result<pb::RecordFactResponse, Status> {
    let asked = pb::RecordFactRequest { fact: Some(fact) };
    let answer = stage.facts().record_fact(stage.says(asked)).await?;
    Ok(answer.into_inner())
}

async fn list(stage: &Stage, id: &str, page_size: i32) -> Vec<pb::FactInput> {
    let mut asked = pb::ListFactsRequest {
        interaction_id: id.into(),
        page_size,
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let page = stage.facts().list_facts(stage.asks(asked.clone())).await;
        let page = page.unwrap().into_inner();
        all.extend(page.facts.into_iter().map(|one| one.input.unwrap()));
        if page.next_page_token.is_empty() {
            return all;
        }
        asked.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn facts_are_entries_of_their_own_and_make_one_view() {
    on_every_engine(quick(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        assert_eq!(stage.get(&logged.id).await.state, None);
        let mut told = vec![
            fact("m-1", "d-1", 1, delivery(pb::DeliveryState::Delivered)),
            fact("m-1", "e-1", 2, edit("halo, apa kabar")),
            fact("m-1", "d-2", 3, delivery(pb::DeliveryState::Read)),
            fact("m-1", "t-1", 4, said(700, "dunia")),
            fact("m-1", "t-2", 5, said(100, "halo")),
            fact("m-1", "x-1", 6, Fact::Deletion(pb::Deletion::default())),
            fact(
                "m-1",
                "o-1",
                7,
                Fact::Disposition(pb::Disposition {
                    code: "resolved".into(),
                    note: "sudah dibantu".into(),
                    agent: "sip-7".into(),
                }),
            ),
        ];
        told[0].attributes = [("pricing.category".to_owned(), "service".to_owned())].into();
        told[0].raw_payload = b"{\"status\":\"delivered\"}".to_vec().into();
        // The later ones come first.
        for one in told.iter().rev() {
            let answer = tell(&stage, one.clone()).await.unwrap();
            assert_eq!(
                (answer.interaction_id.as_str(), answer.duplicate),
                (logged.id.as_str(), false)
            );
        }
        let read = stage.get(&logged.id).await;
        assert_eq!(read.input, logged.input);
        let state = read.state.unwrap();
        assert_eq!(state.parts, [text("halo, apa kabar")]);
        assert_eq!(state.edit_time, Some(at(START + 2)));
        assert_eq!(state.delete_time, Some(at(START + 6)));
        assert_eq!(state.deliveries[0].state(), pb::DeliveryState::Read);
        assert_eq!(state.disposition.unwrap().note, "sudah dibantu");
        let texts: Vec<String> = state
            .transcript
            .unwrap()
            .segments
            .into_iter()
            .map(|one| one.text)
            .collect();
        assert_eq!(texts, ["halo", "dunia"]);
        assert_eq!(state.fact_count, 7);
        // Entries come back as they were told, oldest first, in pages of any size.
        for size in [0, 1, 3] {
            assert_eq!(list(&stage, &logged.id, size).await, told);
        }
        // A page of contacts says that it was edited, not how.
        let listed = stage
            .client()
            .list_interactions(stage.asks(pb::ListInteractionsRequest::default()))
            .await;
        let state = listed.unwrap().into_inner().interactions[0]
            .state
            .clone()
            .unwrap();
        assert_eq!(
            (state.parts.len(), state.transcript, state.fact_count),
            (0, None, 7)
        );
        assert_eq!(state.edit_time, Some(at(START + 2)));

        let kinds = stage
            .events()
            .await
            .into_iter()
            .filter_map(|event| match event.data {
                Some(Data::FactRecorded(one)) if one.interaction_id == logged.id => {
                    Some(one.kind())
                }
                _ => None,
            });
        assert!(kinds.count() <= 7);
        stage
            .event("the edit is told", |data| match data {
                Data::FactRecorded(one) if one.kind() == types::FactKind::Edit => Some(()),
                _ => None,
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_same_fact_again_is_a_duplicate_and_another_one_is_refused() {
    on_every_engine(quick(), async |stage| {
        stage.log(message("m-1", "+62811", "halo")).await;
        let first = fact("m-1", "e-1", 1, edit("satu"));
        assert!(!tell(&stage, first.clone()).await.unwrap().duplicate);
        let again = pb::FactInput {
            raw_payload: b"second delivery".to_vec().into(),
            ..first
        };
        assert!(tell(&stage, again).await.unwrap().duplicate);
        let other = tell(&stage, fact("m-1", "e-1", 1, edit("dua"))).await;
        refused(other, Code::AlreadyExists, "FACT_KEY_REUSED");
    })
    .await;
}

#[tokio::test]
async fn an_end_before_the_start_waits_for_it() {
    on_every_engine(quick(), async |stage| {
        let left = types::ContactEndReason::CustomerLeft;
        let early = fact("c-1", "", 60, end(left));
        let answer = tell(&stage, early.clone()).await.unwrap();
        assert_eq!(
            (answer.interaction_id.as_str(), answer.duplicate),
            ("", false)
        );
        assert!(tell(&stage, early).await.unwrap().duplicate);
        let leg = Fact::CallLeg(pb::CallLeg {
            leg: "1".into(),
            start_time: Some(at(START)),
            talk_ms: 5,
            ..Default::default()
        });
        tell(&stage, fact("c-1", "leg", 61, leg)).await.unwrap();

        let logged = stage.log(call("c-1", "+62811")).await;
        // What is known is there at once, its effect soon.
        assert_eq!(
            stage.get(&logged.id).await.state.unwrap().call_legs.len(),
            1
        );
        let ended = eventually("the contact has ended", async || {
            let read = stage.get(&logged.id).await;
            read.end_time.is_some().then_some(read)
        })
        .await;
        assert_eq!(
            (ended.end_time, ended.end_reason()),
            (Some(at(START + 60)), left)
        );
        let told = stage
            .event("the end is told", |data| match data {
                Data::ContactEnded(ended) => Some(ended.clone()),
                _ => None,
            })
            .await;
        assert_eq!(told.interaction_id, logged.id);
        assert_eq!(list(&stage, &logged.id, 0).await.len(), 2);
        // Another end than that one is refused, the same is known.
        let other = tell(&stage, fact("c-1", "", 61, end(left))).await;
        refused(other, Code::AlreadyExists, "CONTACT_ENDED_ALREADY");
        let again = tell(&stage, fact("c-1", "", 60, end(left))).await.unwrap();
        assert_eq!(
            (again.interaction_id, again.duplicate),
            (logged.id.clone(), true)
        );
        let ends = stage.events().await;
        let ends = ends.iter().filter(|event| event.r#type == "contact_ended");
        assert_eq!(ends.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn facts_come_over_a_stream_beside_contacts() {
    on_every_engine(quick(), async |stage| {
        let item = |sequence, interaction, fact| pb::StreamInteractionsRequest {
            sequence,
            interaction,
            fact,
        };
        let both = message("m-2", "+62811", "halo");
        let items = vec![
            item(
                1,
                None,
                Some(fact("m-1", "r", 1, delivery(pb::DeliveryState::Read))),
            ),
            item(2, Some(message("m-1", "+62811", "halo")), None),
            item(
                3,
                None,
                Some(fact("m-1", "", 1, end(types::ContactEndReason::Completed))),
            ),
            item(4, Some(both), Some(fact("m-1", "s", 1, edit("x")))),
        ];
        let request = stage.says(futures::stream::iter(items));
        let answers = stage.client().stream_interactions(request).await.unwrap();
        let mut answers: Vec<_> = answers.into_inner().map(Result::unwrap).collect().await;
        answers.sort_by_key(|answer| answer.sequence);
        assert!(answers[0].error.is_none());
        assert!(answers[1].interaction_id.starts_with("int_"));
        // A message has no end; the batch decides whether that is known already.
        assert!(
            answers[2]
                .error
                .as_ref()
                .is_none_or(|error| error.reason == "NOT_LIVE")
        );
        let wrong = answers[3].error.as_ref().unwrap();
        assert_eq!(wrong.violations[0].reason, "NOT_EMPTY");
    })
    .await;
}

#[tokio::test]
async fn a_malformed_fact_is_refused_with_every_violation() {
    on_every_engine(quick(), async |stage| {
        let wrong = violations(tell(&stage, pb::FactInput::default()).await);
        let wrong: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            wrong,
            [
                "fact.event_time",
                "fact.external_id",
                "fact.key",
                "fact.fact"
            ]
        );
        let mut keyed = fact("m-1", "key", 1, end(types::ContactEndReason::Unspecified));
        keyed.event_time = Some(at(1 << 40));
        let wrong = violations(tell(&stage, keyed).await);
        let wrong: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(wrong, ["fact.event_time", "fact.end.reason"]);
        let empty = Fact::Edit(pb::Edit::default());
        let wrong = violations(tell(&stage, fact("m-1", "e", 1, empty)).await);
        assert_eq!(
            wrong,
            [("fact.edit.parts".to_owned(), "REQUIRED".to_owned())]
        );
        let nobody = pb::RecordFactRequest {
            fact: Some(fact("m-1", "e", 1, edit("x"))),
        };
        let nobody = stage.facts().record_fact(stage.asks(nobody)).await;
        refused(nobody, Code::PermissionDenied, "CONNECTOR_UNKNOWN");
    })
    .await;
}

#[tokio::test]
async fn a_contact_has_only_so_many_facts() {
    on_every_engine(quick(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        let calls = (0..256).map(|n| {
            tell(
                &stage,
                fact("m-1", &n.to_string(), n, delivery(pb::DeliveryState::Sent)),
            )
        });
        for answer in futures::future::join_all(calls).await {
            answer.unwrap();
        }
        let more = tell(
            &stage,
            fact("m-1", "more", 1, delivery(pb::DeliveryState::Read)),
        )
        .await;
        refused(more, Code::FailedPrecondition, "TOO_MANY_FACTS");
        assert_eq!(list(&stage, &logged.id, 100).await.len(), 256);
        // By bytes as well: two megabytes of words are read in one answer.
        stage.log(message("m-2", "+62811", "halo")).await;
        let long = "kata ".repeat(19_000);
        let mut told = 0;
        let refusal = loop {
            match tell(&stage, fact("m-2", &told.to_string(), told, edit(&long))).await {
                Ok(_) => told += 1,
                Err(status) => break status,
            }
        };
        refused(
            Err::<(), _>(refusal),
            Code::FailedPrecondition,
            "TOO_MANY_FACTS",
        );
        assert!((20..=23).contains(&told), "{told}");
    })
    .await;
}
