//! Files of contacts.

mod naming;
mod refusing;
mod removing;
mod uploading;

use futures::StreamExt as _;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Status};

use crate::stage::{Stage, message};

const MIB: usize = 1024 * 1024;
/// What uploads are kept in.
const STEP: usize = 256 * 1024;
/// In every file of these tests, and nowhere else.
const CANARY: &[u8] = b"canary-content";

/// Bytes that differ from place to place, as plain text.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut line = 0;
    while bytes.len() < length {
        bytes.extend_from_slice(CANARY);
        bytes.extend_from_slice(format!(" {line}\n").as_bytes());
        line += 1;
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn begin(bytes: &[u8]) -> pb::BeginUploadRequest {
    pb::BeginUploadRequest {
        request_id: uuid::Uuid::now_v7().to_string(),
        file_name: "canary-name.txt".into(),
        media_type: "text/plain".into(),
        size_bytes: i64::try_from(bytes.len()).unwrap(),
        sha256: String::new(),
    }
}

fn append(id: &str, offset: usize, data: &[u8]) -> pb::AppendUploadRequest {
    pb::AppendUploadRequest {
        media_id: id.to_owned(),
        offset: i64::try_from(offset).unwrap(),
        data: data.to_vec().into(),
    }
}

/// Begins an upload as the connector `whatsapp`.
async fn begun(stage: &Stage, request: pb::BeginUploadRequest) -> String {
    let answer = stage.media().begin_upload(stage.says(request)).await;
    answer.unwrap().into_inner().media_id
}

/// Uploads as the same.
pub(crate) async fn uploaded(stage: &Stage, bytes: &[u8]) -> pb::Media {
    let begun = stage.media().begin_upload(stage.says(begin(bytes))).await;
    let id = begun.unwrap().into_inner().media_id;
    for (n, part) in bytes.chunks(2 * MIB).enumerate() {
        let part = append(&id, n * 2 * MIB, part);
        stage.media().append_upload(stage.says(part)).await.unwrap();
    }
    stage.finish(&id).await.unwrap()
}

/// What these tests ask of files, beside what all tests ask.
pub(crate) trait Uploads {
    async fn finish(&self, id: &str) -> Result<pb::Media, Status>;
    async fn upload(&self, id: &str) -> Result<pb::GetUploadResponse, Status>;
    async fn found(&self, id: &str) -> Result<pb::Media, Status>;
    async fn try_download(&self, id: &str, offset: i64, length: i64) -> Result<Vec<u8>, Status>;
    async fn download(&self, id: &str, offset: i64, length: i64) -> Vec<u8>;
    async fn names(
        &self,
        external_id: &str,
        phone: &str,
        ids: &[&str],
    ) -> Result<pb::Interaction, Status>;
    /// Files on the disk.
    fn objects(&self) -> Vec<std::path::PathBuf>;
}

impl Uploads for Stage {
    async fn finish(&self, id: &str) -> Result<pb::Media, Status> {
        let message = pb::FinishUploadRequest {
            media_id: id.to_owned(),
        };
        let answer = self.media().finish_upload(self.says(message)).await?;
        Ok(answer.into_inner().media.unwrap())
    }

    async fn upload(&self, id: &str) -> Result<pb::GetUploadResponse, Status> {
        let message = pb::GetUploadRequest {
            media_id: id.to_owned(),
        };
        Ok(self
            .media()
            .get_upload(self.says(message))
            .await?
            .into_inner())
    }

    async fn found(&self, id: &str) -> Result<pb::Media, Status> {
        let answer = self.media().get_media(self.asks(get(id))).await?;
        Ok(answer.into_inner().media.unwrap())
    }

    async fn try_download(&self, id: &str, offset: i64, length: i64) -> Result<Vec<u8>, Status> {
        let request = pb::DownloadMediaRequest {
            media_id: id.to_owned(),
            offset,
            length,
        };
        read(self, self.asks(request)).await
    }

    async fn download(&self, id: &str, offset: i64, length: i64) -> Vec<u8> {
        self.try_download(id, offset, length).await.unwrap()
    }

    async fn names(
        &self,
        external_id: &str,
        phone: &str,
        ids: &[&str],
    ) -> Result<pb::Interaction, Status> {
        let mut input = message(external_id, phone, "look");
        input.parts.extend(ids.iter().map(|id| attachment(id)));
        Ok(self.record(input).await?.interaction.unwrap())
    }

    fn objects(&self) -> Vec<std::path::PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.config.media.folder.clone()]);
        while let Some(folder) = folders.pop() {
            // Folders go with the last object in them.
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            for path in entries.flatten().map(|entry| entry.path()) {
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path),
                }
            }
        }
        found.sort();
        found
    }
}

fn get(id: &str) -> pb::GetMediaRequest {
    pb::GetMediaRequest {
        media_id: id.to_owned(),
    }
}

fn attachment(id: &str) -> pb::Part {
    pb::Part {
        content: Some(pb::part::Content::Attachment(pb::Attachment {
            media_id: id.to_owned(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// Everything of a download; each message must go on where the last ended and stay small.
async fn read(
    stage: &Stage,
    request: Request<pb::DownloadMediaRequest>,
) -> Result<Vec<u8>, Status> {
    let mut next = request.get_ref().offset;
    let mut messages = stage.media().download_media(request).await?.into_inner();
    let first = messages.next().await.unwrap()?;
    assert!(first.media.is_some() && first.data.is_empty());
    let mut bytes = Vec::new();
    while let Some(message) = messages.next().await {
        let message = message?;
        assert_eq!(message.offset, next);
        assert!((1..=64 * 1024).contains(&message.data.len()));
        next += i64::try_from(message.data.len()).unwrap();
        bytes.extend_from_slice(&message.data);
    }
    Ok(bytes)
}
