//! What of files is refused, and to whom.

use futures::StreamExt as _;
use rapport_foundation::testing::eventually;
use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use tonic::Code;

use super::{MIB, STEP, Uploads as _, append, begin, begun, content, get, uploaded};
use crate::stage::{on_every_engine, quick, refused, violations};

#[tokio::test]
async fn everything_wrong_with_a_request_is_told_at_once() {
    on_every_engine(quick(), async |stage| {
        let request = pb::BeginUploadRequest {
            request_id: String::new(),
            file_name: "a\nb".into(),
            media_type: "x".repeat(256),
            size_bytes: 0,
            sha256: "abc".into(),
        };
        let told = violations(stage.media().begin_upload(stage.says(request)).await);
        let told: Vec<_> = told
            .iter()
            .map(|(field, reason)| (field.as_str(), reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("request_id", "REQUIRED"),
                ("file_name", "CONTROL_CHARACTER"),
                ("media_type", "TOO_LONG"),
                ("sha256", "MALFORMED"),
                ("size_bytes", "OUT_OF_RANGE"),
            ]
        );
        let huge = pb::BeginUploadRequest {
            size_bytes: 100 * 1024 * 1024 + 1,
            ..begin(b"x")
        };
        let told = violations(stage.media().begin_upload(stage.says(huge)).await);
        assert_eq!(told, [("size_bytes".to_owned(), "OUT_OF_RANGE".to_owned())]);
        let id = begun(&stage, begin(&vec![0; 4 * MIB])).await;
        for (offset, data, reason) in [
            (0, vec![], "REQUIRED"),
            (0, vec![0; STEP + 1], "UNEVEN"),
            (0, vec![0; 2 * MIB + STEP], "TOO_LARGE"),
        ] {
            let request = stage.says(append(&id, offset, &data));
            let told = violations(stage.media().append_upload(request).await);
            assert_eq!(told, [("data".to_owned(), reason.to_owned())]);
        }
        let request = pb::DownloadMediaRequest {
            media_id: "int_x".into(),
            offset: -1,
            length: -1,
        };
        let told = violations(
            stage
                .media()
                .download_media(stage.asks(request))
                .await
                .map(|_| ()),
        );
        assert_eq!(told.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn uploads_and_files_are_their_owners() {
    on_every_engine(quick(), async |stage| {
        let id = begun(&stage, begin(b"halo")).await;
        let other = || stage.connector("line", append(&id, 0, b"halo"));
        let staff = stage.asks(append(&id, 0, b"halo"));
        let foreign = stage.stranger(append(&id, 0, b"halo"));
        for request in [other(), staff, foreign] {
            let answer = stage.media().append_upload(request).await;
            refused(answer, Code::NotFound, "NOT_FOUND");
        }
        let bytes = stage.says(append(&id, 0, b"halo"));
        stage.media().append_upload(bytes).await.unwrap();
        let media = stage.finish(&id).await.unwrap();
        let own = stage.media().get_media(stage.says(get(&id))).await;
        assert_eq!(own.unwrap().into_inner().media.unwrap(), media);
        for request in [stage.connector("line", get(&id)), stage.stranger(get(&id))] {
            let answer = stage.media().get_media(request).await;
            refused(answer, Code::NotFound, "NOT_FOUND");
        }
        let download = pb::DownloadMediaRequest {
            media_id: id.clone(),
            ..Default::default()
        };
        let answer = stage.media().download_media(stage.stranger(download)).await;
        refused(answer.map(|_| ()), Code::NotFound, "NOT_FOUND");
    })
    .await;
}

#[tokio::test]
async fn the_room_of_a_tenant_and_what_is_on_its_way_are_bounded() {
    let mut config: Config = quick();
    config.media.tenant_mib = 2;
    config.media.transfers = 1;
    on_every_engine(config, async |stage| {
        let media = uploaded(&stage, &content(MIB)).await;
        let second = begin(&vec![0; MIB]);
        let begun = stage.media().begin_upload(stage.says(second.clone())).await;
        assert!(begun.is_ok());
        let third = stage.media().begin_upload(stage.says(begin(b"x"))).await;
        refused(third, Code::ResourceExhausted, "MEDIA_QUOTA");
        let again = stage
            .media()
            .begin_upload(stage.says(second))
            .await
            .unwrap();
        assert_eq!(again.into_inner(), begun.unwrap().into_inner());
        let elsewhere = stage
            .media()
            .begin_upload(stage.stranger(begin(b"x")))
            .await;
        assert!(elsewhere.is_ok(), "the room of another tenant");

        let request = pb::DownloadMediaRequest {
            media_id: media.id.clone(),
            ..Default::default()
        };
        let slow = stage
            .media()
            .download_media(stage.asks(request))
            .await
            .unwrap();
        let mut slow = slow.into_inner();
        assert!(slow.next().await.unwrap().unwrap().media.is_some());
        let other = stage.try_download(&media.id, 0, 0).await;
        refused(other, Code::ResourceExhausted, "TOO_MANY_TRANSFERS");
        drop(slow);
        eventually("the place is free again", async || {
            stage.try_download(&media.id, 0, 0).await.ok()
        })
        .await;
    })
    .await;
}
