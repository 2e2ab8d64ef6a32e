//! Files, from the domain to the contract.

use rapport_proto::interactions::v1 as pb;

use crate::app::Chunk;
use crate::domain::media::Hashing;
use crate::domain::{Media, Stage};

/// A number of bytes.
pub(crate) fn bytes(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

pub(crate) fn media(media: Media) -> pb::Media {
    let about = media.about;
    pb::Media {
        id: media.id.to_string(),
        file_name: about.file_name.into_exposed(),
        media_type: about.media_type,
        declared_media_type: about.declared,
        size_bytes: bytes(media.size),
        sha256: match about.hashing {
            Hashing::Done(hash) => hash.to_string(),
            Hashing::On(..) => String::new(),
        },
        begin_time: Some(media.begun_at.into()),
        finish_time: Some(media.finished_at.into()),
    }
}

pub(crate) fn upload_state(media: &Media) -> pb::GetUploadResponse {
    pb::GetUploadResponse {
        received_bytes: bytes(media.received),
        size_bytes: bytes(media.size),
        finished: media.stage == Stage::Ready,
    }
}

/// The first message of a download.
pub(crate) fn first_of(of: Media, offset: u64) -> pb::DownloadMediaResponse {
    pb::DownloadMediaResponse {
        media: Some(media(of)),
        offset: bytes(offset),
        data: Default::default(),
    }
}

pub(crate) fn chunk(chunk: Chunk) -> pb::DownloadMediaResponse {
    pb::DownloadMediaResponse {
        media: None,
        offset: bytes(chunk.offset),
        data: chunk.data,
    }
}
