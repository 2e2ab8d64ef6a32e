//! Uploads go on where they were cut, wherever they come.

use futures::stream;
use rapport_foundation::testing::{Engine, eventually};
use rapport_proto::interactions::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{CANARY, MIB, STEP, Uploads as _, append, begin, begun, content, uploaded};
use crate::stage::{on_every_engine, quick, refused, violations};

fn piece(id: &str, offset: usize, data: &[u8]) -> pb::StreamUploadRequest {
    pb::StreamUploadRequest {
        media_id: id.to_owned(),
        offset: i64::try_from(offset).unwrap(),
        data: data.to_vec().into(),
    }
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_also_in_ranges_and_is_nowhere_in_the_clear() {
    on_every_engine(quick(), async |stage| {
        let bytes = content(2 * MIB + 300_007);
        let media = uploaded(&stage, &bytes).await;
        assert_eq!(media.size_bytes, 2_397_159);
        assert_eq!(media.file_name, "canary-name.txt");
        assert_eq!(
            (
                media.media_type.as_str(),
                media.declared_media_type.as_str()
            ),
            ("text/plain", "text/plain")
        );
        assert_eq!(stage.found(&media.id).await.unwrap(), media);
        assert!(stage.download(&media.id, 0, 0).await == bytes);
        for (offset, length) in [
            (0, 1),
            (65_535, 2),
            (65_536, 65_536),
            (1_048_575, 2),
            (2_097_151, 70_000),
            (2_397_158, 1),
            (2_397_158, i64::MAX),
            (1_000_000, 1_397_159),
        ] {
            let read = stage.download(&media.id, offset, length).await;
            let begin = usize::try_from(offset).unwrap();
            let end = bytes
                .len()
                .min(begin.saturating_add(usize::try_from(length).unwrap()));
            assert!(read == bytes[begin..end], "{offset} {length}");
        }
        let behind = stage.try_download(&media.id, 2_397_159, 0).await;
        refused(behind, Code::OutOfRange, "BEHIND_THE_END");

        let objects = stage.objects();
        assert_eq!(objects.len(), 2);
        for path in &objects {
            absent(&std::fs::read(path).unwrap());
            absent(path.to_string_lossy().as_bytes());
        }
        if let (Engine::Sqlite, Some(path)) = (
            &stage.t.database.engine,
            stage.t.database.config.sqlite_path(),
        ) {
            for suffix in ["", "-wal"] {
                let mut path = path.clone().into_os_string();
                path.push(suffix);
                absent(&std::fs::read(path).unwrap_or_default());
            }
        }
    })
    .await;
}

fn absent(bytes: &[u8]) {
    for canary in [CANARY, b"canary-name"] {
        assert!(!bytes.windows(canary.len()).any(|window| window == canary));
    }
}

#[tokio::test]
async fn a_cut_stream_goes_on_where_it_is_durable_on_another_replica() {
    on_every_engine(quick(), async |stage| {
        let bytes = content(3 * MIB + 5);
        let id = begun(&stage, begin(&bytes)).await;
        let replica = stage.replica().await;

        let (messages, outgoing) = mpsc::channel(1);
        let request = stage.says(ReceiverStream::new(outgoing));
        let mut client = stage.media();
        let call = tokio::spawn(async move { client.stream_upload(request).await });
        let first = piece(&id, 0, &bytes[..700_000]);
        messages.send(first).await.unwrap();
        let second = piece("", 0, &bytes[700_000..1_400_000]);
        messages.send(second).await.unwrap();
        eventually("a piece is durable", async || {
            (stage.upload(&id).await.unwrap().received_bytes >= 1_048_576).then_some(())
        })
        .await;
        // The connection breaks in the middle of a message.
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());

        let wrong = stream::iter(vec![piece(&id, 0, b"x")]);
        let wrong = replica.media().stream_upload(stage.says(wrong)).await;
        refused(wrong, Code::Aborted, "UPLOAD_MOVED");
        let state = pb::GetUploadRequest {
            media_id: id.clone(),
        };
        // What was on its way when the connection broke may still arrive: then it goes on from there.
        eventually("the rest is durable", async || {
            let request = stage.says(state.clone());
            let state = replica.media().get_upload(request).await.unwrap();
            let state = state.into_inner();
            assert!(!state.finished && state.size_bytes == 3_145_733);
            let offset = usize::try_from(state.received_bytes).unwrap();
            assert_eq!(offset % STEP, 0);
            let mut rest = vec![piece(&id, offset, &[])];
            rest.extend(
                bytes[offset..]
                    .chunks(50_000)
                    .map(|data| piece("", 0, data)),
            );
            let request = stage.says(stream::iter(rest));
            match replica.media().stream_upload(request).await {
                Ok(answer) => {
                    assert_eq!(answer.into_inner().received_bytes, 3_145_733);
                    Some(())
                }
                Err(status) => {
                    assert_eq!(status.code(), Code::Aborted);
                    None
                }
            }
        })
        .await;
        stage.finish(&id).await.unwrap();
        assert!(stage.download(&id, 0, 0).await == bytes);
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_ends_early_keeps_whole_steps() {
    on_every_engine(quick(), async |stage| {
        let bytes = content(2 * MIB);
        let id = begun(&stage, begin(&bytes)).await;
        let early = vec![piece(&id, 0, &bytes[..STEP * 5 + 17])];
        let answer = stage
            .media()
            .stream_upload(stage.says(stream::iter(early)))
            .await;
        assert_eq!(answer.unwrap().into_inner().received_bytes, 1_310_720);
        let much = vec![piece(&id, STEP * 5, &bytes), piece("", 0, b"x")];
        let answer = stage
            .media()
            .stream_upload(stage.says(stream::iter(much)))
            .await;
        let told = violations(answer);
        assert_eq!(told, [("data".to_owned(), "TOO_LARGE".to_owned())]);
        assert_eq!(stage.upload(&id).await.unwrap().received_bytes, 1_310_720);
    })
    .await;
}

#[tokio::test]
async fn of_several_that_append_at_one_place_one_comes_first_and_the_others_are_told_where_to_go_on()
 {
    on_every_engine(quick(), async |stage| {
        let replica = stage.replica().await;
        let versions: Vec<Vec<u8>> = (0..4_u8).map(|n| vec![b'a' + n; STEP]).collect();
        let id = begun(&stage, begin(&vec![0; STEP * 2])).await;
        let race = versions.iter().enumerate().map(|(n, bytes)| {
            let mut client = match n % 2 {
                0 => stage.media(),
                _ => replica.media(),
            };
            let request = stage.says(append(&id, 0, bytes));
            async move { client.append_upload(request).await }
        });
        let outcomes = futures::future::join_all(race).await;
        let won: Vec<usize> = (0..4).filter(|n| outcomes[*n].is_ok()).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let winner = &versions[won[0]];
        for status in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(
                (status.code(), offset(&status).as_str()),
                (Code::Aborted, "262144")
            );
        }
        // The answer was lost: the same bytes again are the same append.
        let again = stage.says(append(&id, 0, winner));
        let again = replica.media().append_upload(again).await.unwrap();
        assert_eq!(again.into_inner().received_bytes, 262_144);
        let last = stage.says(append(&id, STEP, winner));
        stage.media().append_upload(last).await.unwrap();
        stage.finish(&id).await.unwrap();
        let last = stage.says(append(&id, STEP, winner));
        assert!(stage.media().append_upload(last).await.is_ok());
        let other = stage.says(append(&id, STEP, &versions[(won[0] + 1) % 4]));
        let other = stage.media().append_upload(other).await;
        refused(other, Code::Aborted, "UPLOAD_MOVED");
        assert!(stage.download(&id, 0, 0).await == [winner.as_slice(), winner].concat());
        assert_eq!(stage.objects().len(), 2, "what lost was removed");
    })
    .await;
}

fn offset(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.and_then(|info| info.metadata.get("offset").cloned())
        .unwrap_or_default()
}

#[tokio::test]
async fn an_upload_is_finished_once_when_size_and_hash_agree() {
    on_every_engine(quick(), async |stage| {
        let hash = "a4e63bcacf6c172ad84f9f4523c8f1acaf33676fa76d3258c67b7e7bbf16d777";
        let request = pb::BeginUploadRequest {
            sha256: hash.to_uppercase(),
            file_name: "card 4111 1111 1111 1111.png".into(),
            media_type: "image/png".into(),
            ..begin(b"halo")
        };
        let id = begun(&stage, request.clone()).await;
        assert_eq!(begun(&stage, request.clone()).await, id);
        let other = pb::BeginUploadRequest {
            size_bytes: 5,
            ..request
        };
        let reused = stage.media().begin_upload(stage.says(other.clone())).await;
        refused(reused, Code::AlreadyExists, "REQUEST_ID_REUSED");
        refused(
            stage.finish(&id).await,
            Code::FailedPrecondition,
            "UPLOAD_INCOMPLETE",
        );
        refused(stage.found(&id).await, Code::NotFound, "NOT_FOUND");
        let bytes = append(&id, 0, b"halo");
        stage
            .media()
            .append_upload(stage.says(bytes))
            .await
            .unwrap();
        let media = stage.finish(&id).await.unwrap();
        assert_eq!(media.sha256, hash);
        assert_eq!(media.file_name, "card **** **** **** ****.png");
        assert_eq!(
            (
                media.media_type.as_str(),
                media.declared_media_type.as_str()
            ),
            ("text/plain", "image/png")
        );
        assert_eq!(stage.finish(&id).await.unwrap(), media);
        assert!(stage.upload(&id).await.unwrap().finished);

        let wrong = pb::BeginUploadRequest {
            sha256: hash.to_owned(),
            ..begin(b"hola")
        };
        let id = begun(&stage, wrong).await;
        let bytes = append(&id, 0, b"hola");
        stage
            .media()
            .append_upload(stage.says(bytes))
            .await
            .unwrap();
        refused(
            stage.finish(&id).await,
            Code::FailedPrecondition,
            "HASH_DIFFERS",
        );
        refused(stage.found(&id).await, Code::NotFound, "NOT_FOUND");
    })
    .await;
}
