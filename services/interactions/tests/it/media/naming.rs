//! Contacts and facts name files.

use futures::{StreamExt as _, stream};
use rapport_proto::interactions::v1 as pb;
use tonic::Code;

use super::{Uploads as _, append, attachment, begin, get, uploaded};
use crate::stage::{at, customer, message, on_every_engine, quick, refused};

#[tokio::test]
async fn a_contact_names_files_that_are_there_and_finished() {
    on_every_engine(quick(), async |stage| {
        let (first, second) = (
            uploaded(&stage, b"one").await,
            uploaded(&stage, b"two").await,
        );
        let logged = stage
            .names("m-1", "+62811", &[&first.id, &second.id])
            .await
            .unwrap();
        let parts = stage.get(&logged.id).await.input.unwrap().parts;
        assert_eq!(parts[1..], [attachment(&first.id), attachment(&second.id)]);
        assert_eq!(stage.download(&first.id, 0, 0).await, b"one");

        let begun = stage.media().begin_upload(stage.says(begin(b"x"))).await;
        let unfinished = begun.unwrap().into_inner().media_id;
        let foreign = stage
            .media()
            .begin_upload(stage.stranger(begin(b"x")))
            .await;
        let foreign = foreign.unwrap().into_inner().media_id;
        for (n, missing) in [unfinished.as_str(), &foreign].into_iter().enumerate() {
            let external_id = format!("missing-{n}");
            let answer = stage
                .names(&external_id, "+62811", &[&first.id, missing])
                .await;
            refused(answer, Code::FailedPrecondition, "MEDIA_NOT_READY");
        }
        // It was not logged, and is once the file is there.
        let bytes = stage.says(append(&unfinished, 0, b"x"));
        stage.media().append_upload(bytes).await.unwrap();
        stage.finish(&unfinished).await.unwrap();
        stage
            .names("missing-0", "+62811", &[&first.id, &unfinished])
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_a_stream_only_what_names_a_missing_file_is_refused() {
    on_every_engine(quick(), async |stage| {
        let media = uploaded(&stage, b"one").await;
        let missing = media.id.replace("med_0", "med_1");
        let item = |sequence: i64, external_id: &str, file: &str| {
            let mut input = message(external_id, "+62811", "look");
            input.parts.push(attachment(file));
            pb::StreamInteractionsRequest {
                sequence,
                interaction: Some(input),
                fact: None,
            }
        };
        let items = vec![
            item(1, "m-1", &media.id),
            item(2, "m-2", &missing),
            item(3, "m-3", &media.id),
            item(4, "m-2", &missing),
            item(5, "m-1", &media.id),
        ];
        let request = stage.says(stream::iter(items));
        let answers = stage.client().stream_interactions(request).await.unwrap();
        let mut answers: Vec<_> = answers.into_inner().map(Result::unwrap).collect().await;
        answers.sort_by_key(|answer| answer.sequence);
        let told: Vec<_> = answers
            .iter()
            .map(|answer| {
                let reason = answer.error.as_ref().map(|error| error.reason.as_str());
                (reason, answer.duplicate)
            })
            .collect();
        let refused = Some("MEDIA_NOT_READY");
        assert_eq!(
            told,
            [
                (None, false),
                (refused, false),
                (None, false),
                (refused, false),
                (None, true)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_connector_sees_the_files_that_contacts_of_its_own_name() {
    on_every_engine(quick(), async |stage| {
        let media = uploaded(&stage, b"one").await;
        let line = async || {
            let request = stage.connector("line", get(&media.id));
            stage.media().get_media(request).await
        };
        refused(line().await, Code::NotFound, "NOT_FOUND");
        let mut input = message("m-1", "+62811", "look");
        input.parts = vec![attachment(&media.id)];
        let message = pb::RecordInteractionRequest {
            interaction: Some(input),
        };
        let request = stage.connector("line", message);
        stage.client().record_interaction(request).await.unwrap();
        assert_eq!(line().await.unwrap().into_inner().media.unwrap(), media);
    })
    .await;
}

#[tokio::test]
async fn an_edit_names_files_too_also_when_it_comes_first() {
    on_every_engine(quick(), async |stage| {
        let media = uploaded(&stage, b"one").await;
        let edit = |file: &str| pb::RecordFactRequest {
            fact: Some(pb::FactInput {
                external_id: "m-1".into(),
                key: format!("edit {file}"),
                event_time: Some(at(1_700_000_060)),
                fact: Some(pb::fact_input::Fact::Edit(pb::Edit {
                    parts: vec![attachment(file)],
                })),
                ..Default::default()
            }),
        };
        let missing = media.id.replace("med_0", "med_1");
        let answer = stage.facts().record_fact(stage.says(edit(&missing))).await;
        refused(answer, Code::FailedPrecondition, "MEDIA_NOT_READY");
        let answer = stage
            .facts()
            .record_fact(stage.says(edit(&media.id)))
            .await
            .unwrap();
        assert!(answer.into_inner().interaction_id.is_empty());
        let logged = stage.log(message("m-1", "+62811", "look")).await;
        stage.settled(&logged.id).await;
        stage.holders(&media.id, 1).await;
        let later = uploaded(&stage, b"two").await;
        stage
            .facts()
            .record_fact(stage.says(edit(&later.id)))
            .await
            .unwrap();
        stage.holders(&later.id, 1).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_named_file_is_told() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "+62811", "look");
        input.participants = vec![customer("+62811")];
        input.parts = vec![attachment("int_x"), attachment("")];
        let told = crate::stage::violations(stage.record(input).await);
        let told: Vec<_> = told
            .iter()
            .map(|(field, reason)| (field.as_str(), reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("interaction.parts[0].attachment.media_id", "MALFORMED_ID"),
                ("interaction.parts[1].attachment.uri", "REQUIRED"),
            ]
        );
    })
    .await;
}
