//! What is about people is sealed before it touches the disk, and events never hold it.

use prost::Message as _;
use rapport_foundation::testing::{Engine, eventually};
use rapport_proto::interactions::v1 as pb;
use tonic::Code;

use crate::stage::{at, message, on_every_engine, quick, refused};

const CANARIES: [&str; 7] = [
    "canary-phone",
    "canary-name",
    "canary-subject",
    "canary-text",
    "canary-thread",
    "canary-attribute",
    "canary-payload",
];

#[tokio::test]
async fn nothing_personal_is_stored_in_the_clear_or_told() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "canary-phone", "canary-text");
        input.participants[0].display_name = "canary-name".into();
        input.subject = "canary-subject".into();
        input.thread_key = "canary-thread".into();
        input.attributes = [("k".to_owned(), "canary-attribute".to_owned())].into();
        input.raw_payload = b"canary-payload".to_vec().into();
        let logged = stage.log(input.clone()).await;
        input.parts.clear();
        refused(
            stage.record(input).await,
            Code::AlreadyExists,
            "EXTERNAL_ID_REUSED",
        );
        stage.settled(&logged.id).await;

        for event in stage.events().await {
            absent(&event.encode_to_vec());
        }
        let path = stage.t.database.config.sqlite_path();
        if let (Engine::Sqlite, Some(path)) = (&stage.t.database.engine, path) {
            for suffix in ["", "-wal"] {
                let mut path = path.clone().into_os_string();
                path.push(suffix);
                if let Ok(bytes) = std::fs::read(path) {
                    absent(&bytes);
                }
            }
        }
        // Nor in what callers are told when they are refused.
        let status = stage
            .record(message("m-1", "canary-phone", "canary-text\0"))
            .await
            .unwrap_err();
        absent(format!("{status:?}").as_bytes());
    })
    .await;
}

fn absent(bytes: &[u8]) {
    for canary in CANARIES {
        assert!(
            !bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes()),
            "{canary} is in the clear"
        );
    }
}

#[tokio::test]
async fn what_was_erased_leaves_that_it_took_place() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "+62811", "halo");
        input.thread_key = "thread".into();
        let logged = stage.log(input).await;
        stage.settled(&logged.id).await;
        let destroyed: Result<(), rapport_foundation::db::Error> = stage
            .t
            .env
            .db
            .write(stage.tenant, async |s| {
                let rows = s
                    .raw_all("select subject from subject_keys where tenant_id = $1", [])
                    .await?;
                for row in rows {
                    let subject: String = row.try_get("", "subject")?;
                    assert!(stage.t.env.vault.destroy(&s, &subject).await?);
                }
                Ok(())
            })
            .await;
        destroyed.unwrap();
        let read = stage.get(&logged.id).await;
        let said = read.input.unwrap();
        assert!(
            said.parts.is_empty() && said.participants.is_empty() && said.thread_key.is_empty()
        );
        assert_eq!(said.external_id, "m-1");
        assert_eq!(said.channel, logged.input.unwrap().channel);
        let asked = pb::GetConversationRequest {
            conversation_id: logged.conversation_id,
        };
        let found = stage
            .conversations()
            .get_conversation(stage.asks(asked))
            .await
            .unwrap()
            .into_inner();
        assert!(found.conversation.unwrap().thread_key.is_empty());
    })
    .await;
}

#[tokio::test]
async fn numbers_that_must_not_be_seen_are_stored_masked_also_when_split_over_messages() {
    on_every_engine(quick(), async |stage| {
        let said = |id: &str, text: &str, seconds: i64| pb::InteractionInput {
            thread_key: "thread".into(),
            event_time: Some(at(seconds)),
            ..message(id, "+62811", text)
        };
        let mut whole = said("m-0", "card 4111 1111 1111 1111", 1_700_000_000);
        whole.raw_payload = br#"{"text":"card 4111 1111 1111 1111"}"#.to_vec().into();
        let logged = stage.log(whole.clone()).await;
        let first = stage
            .log(said("m-1", "the other is 5555 5555", 1_700_000_010))
            .await;
        assert_eq!(text(&stage.get(&first.id).await), "the other is 5555 5555");
        let second = stage.log(said("m-2", "5555 4444 ok?", 1_700_000_020)).await;
        for (id, masked) in [
            (&logged.id, "card **** **** **** ****"),
            (&first.id, "the other is **** ****"),
            (&second.id, "**** **** ok?"),
        ] {
            assert_eq!(text(&stage.get(id).await), masked);
        }
        let payload = stage.get(&logged.id).await.input.unwrap().raw_payload;
        assert_eq!(
            payload,
            br#"{"text":"card **** **** **** ****"}"#.as_slice()
        );
        // What is said again is the same as what was said.
        assert!(stage.record(whole).await.unwrap().duplicate);
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_spoken_is_stored_masked_and_what_was_said_beside_it_is_found() {
    on_every_engine(quick(), async |stage| {
        let transcript = |text: &str| pb::Transcript {
            language: "id".into(),
            segments: vec![pb::TranscriptSegment {
                speaker: pb::ParticipantRole::Customer.into(),
                text: text.into(),
                ..Default::default()
            }],
        };
        let (said, hidden) = (
            "kartu saya 4111 1111 1111 1111",
            "kartu saya **** **** **** ****",
        );
        let mut input = message("m-1", "+62811", "");
        input.parts = vec![pb::Part {
            content: Some(pb::part::Content::Transcript(transcript(said))),
            ..Default::default()
        }];
        let logged = stage.log(input).await;
        let known = pb::FactInput {
            external_id: "m-1".into(),
            key: "t-1".into(),
            event_time: Some(at(1_700_000_100)),
            fact: Some(pb::fact_input::Fact::Transcript(transcript(said))),
            ..Default::default()
        };
        for duplicate in [false, true] {
            let told = pb::RecordFactRequest {
                fact: Some(known.clone()),
            };
            let answer = stage.facts().record_fact(stage.says(told)).await.unwrap();
            assert_eq!(answer.into_inner().duplicate, duplicate);
        }
        let read = stage.get(&logged.id).await;
        let part = read.input.unwrap().parts.remove(0).content.unwrap();
        assert_eq!(part, pb::part::Content::Transcript(transcript(hidden)));
        assert_eq!(read.state.unwrap().transcript, Some(transcript(hidden)));
        eventually("the words of the transcript are found", async || {
            let asked = pb::SearchInteractionsRequest {
                query: "\"kartu saya\"".into(),
                ..Default::default()
            };
            let found = stage.client().search_interactions(stage.asks(asked)).await;
            (found.unwrap().into_inner().hits.len() == 1).then_some(())
        })
        .await;
    })
    .await;
}

fn text(interaction: &pb::Interaction) -> String {
    let parts = &interaction.input.as_ref().unwrap().parts;
    match parts[0].content.as_ref().unwrap() {
        pb::part::Content::Text(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}
