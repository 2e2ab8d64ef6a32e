//! What is told of a contact.

use rapport_interactions::{Config, Numbers};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use super::{THEN, everything, export, later, log};
use crate::erasing::erase;
use crate::stage::{Stage, at, message, on_every_engine, quick};

async fn know(stage: &Stage, external_id: &str, key: &str, fact: pb::fact_input::Fact) {
    let fact = pb::FactInput {
        external_id: external_id.into(),
        key: key.into(),
        event_time: Some(at(THEN + 100)),
        fact: Some(fact),
        ..Default::default()
    };
    let asked = stage.says(pb::RecordFactRequest { fact: Some(fact) });
    stage.facts().record_fact(asked).await.unwrap();
}

#[tokio::test]
async fn a_contact_is_told_with_all_that_is_known_and_nothing_that_is_sealed() {
    let config = Config {
        numbers: Numbers::Seal,
        ..quick()
    };
    on_every_engine(config, async |stage| {
        let mut input = later("m-1", 1);
        input.parts = vec![pb::Part {
            content: Some(pb::part::Content::Html(
                "<p onclick=\"x()\">card 4111 1111 1111 1111</p>".into(),
            )),
            ..Default::default()
        }];
        input.raw_payload = b"payload".to_vec().into();
        log(&stage, [input, later("m-2", 2)]).await;
        let edited = message("", "", "said instead").parts;
        let edit = pb::fact_input::Fact::Edit(pb::Edit {
            parts: edited.clone(),
        });
        know(&stage, "m-1", "edit", edit).await;
        let transcript = pb::Transcript {
            segments: vec![pb::TranscriptSegment {
                speaker: pb::ParticipantRole::Customer.into(),
                text: "said aloud".into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let said = pb::fact_input::Fact::Transcript(transcript.clone());
        know(&stage, "m-1", "said", said).await;
        let disposition = pb::Disposition {
            code: "sold".into(),
            ..Default::default()
        };
        let came = pb::fact_input::Fact::Disposition(disposition);
        know(&stage, "m-2", "came", came).await;

        let told = export(&stage, &everything()).await.unwrap();
        let [first, second] = [0, 1].map(|n| told[n].interaction.clone().unwrap());
        let state = first.state.clone().unwrap();
        assert_eq!((state.parts, state.transcript), (edited, Some(transcript)));
        assert_eq!(
            (state.fact_count, state.edit_time),
            (2, Some(at(THEN + 100)))
        );
        let input = first.input.clone().unwrap();
        assert!(input.raw_payload.is_empty() && input.parts[0].sanitised_html.is_empty());
        let html = format!("{:?}", input.parts[0].content);
        assert!(
            html.contains("[sealed ") && !html.contains("4111"),
            "{html}"
        );
        assert_eq!(second.state.unwrap().disposition.unwrap().code, "sold");
        // The same as the contact alone is answered, but for what is left out.
        let mut alone = stage.get(&first.id).await;
        let input = alone.input.as_mut().unwrap();
        input.raw_payload.clear();
        input.parts[0].sanitised_html.clear();
        assert_eq!((alone.input, alone.state), (first.input, first.state));
    })
    .await;
}

#[tokio::test]
async fn what_was_erased_is_told_as_what_is_left_of_it() {
    on_every_engine(quick(), async |stage| {
        let mut first = later("m-1", 1);
        first.provider = "line".into();
        first.attributes = [("topic".to_owned(), "refund".to_owned())].into();
        let mut other = later("m-2", 2);
        other.participants = message("", "+62822", "").participants;
        log(&stage, [first, other]).await;
        let before = export(&stage, &everything()).await.unwrap();
        let id = before[0].interaction.as_ref().unwrap().id.clone();
        stage.settled(&id).await;
        let customer = stage.fake.customer(stage.tenant, "+62811").customer_id;
        let count = erase(&stage, &customer, Uuid::now_v7()).await.unwrap();
        assert_eq!(count, 1);

        let told = export(&stage, &everything()).await.unwrap();
        let left = told[0].interaction.clone().unwrap();
        let input = left.input.unwrap();
        assert_eq!(told.len(), 2);
        assert_eq!((&left.id, &input.external_id), (&id, &id));
        assert_eq!(
            (input.channel(), input.event_time),
            (types::Channel::Messaging, Some(at(THEN + 1)))
        );
        assert!(input.participants.is_empty() && input.parts.is_empty());
        assert!(left.customer.is_none() && input.attributes.is_empty());
        let conditions: [&dyn Fn(&mut pb::ExportInteractionsRequest); 3] = [
            &|one| one.customer_id = customer.clone(),
            &|one| one.provider = "line".into(),
            &|one| one.tag = "topic=refund".into(),
        ];
        for change in conditions {
            let mut asked = everything();
            change(&mut asked);
            assert_eq!(export(&stage, &asked).await.unwrap(), []);
        }
    })
    .await;
}
