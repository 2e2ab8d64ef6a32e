//! Decoding calls about files.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::MediaId;
use rapport_proto::interactions::v1 as pb;

use crate::app::NewUpload;
use crate::domain::limits;
use crate::domain::media::{About, Sha256};

pub(crate) fn media_id(text: &str) -> Result<MediaId, Failure> {
    let mut c = Check::new();
    let id = c.id("media_id", text);
    c.done(id)
}

pub(crate) fn begin_upload(request: &pb::BeginUploadRequest) -> Result<NewUpload, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let about = About {
        file_name: c
            .line("file_name", &request.file_name, 0..=limits::FILE_NAME)
            .into(),
        declared: c.line("media_type", &request.media_type, 0..=limits::MEDIA_TYPE),
        expected: hash(&mut c, &request.sha256),
        ..About::default()
    };
    let size = c.number("size_bytes", request.size_bytes, 1..=i64::MAX);
    c.done(NewUpload {
        request_id,
        size: size.unsigned_abs(),
        about,
    })
}

fn hash(c: &mut Check, text: &str) -> Option<Sha256> {
    let hash = Sha256::parse(text);
    let well_formed = text.is_empty() || hash.is_some();
    let what = "is not 64 hexadecimal digits";
    c.require(well_formed, "sha256", "MALFORMED", what);
    hash
}

fn offset(c: &mut Check, field: &str, bytes: i64) -> u64 {
    c.number(field, bytes, 0..=i64::MAX).unsigned_abs()
}

pub(crate) fn append_upload(request: &pb::AppendUploadRequest) -> Result<(MediaId, u64), Failure> {
    let mut c = Check::new();
    let id = c.id("media_id", &request.media_id);
    let offset = offset(&mut c, "offset", request.offset);
    c.require(!request.data.is_empty(), "data", "REQUIRED", "is required");
    c.done((id, offset))
}

/// The first message of a stream.
pub(crate) fn stream_upload(first: &pb::StreamUploadRequest) -> Result<(MediaId, u64), Failure> {
    let mut c = Check::new();
    let id = c.id("media_id", &first.media_id);
    let offset = offset(&mut c, "offset", first.offset);
    c.done((id, offset))
}

pub(crate) fn download_media(
    request: &pb::DownloadMediaRequest,
) -> Result<(MediaId, u64, u64), Failure> {
    let mut c = Check::new();
    let id = c.id("media_id", &request.media_id);
    let begin = offset(&mut c, "offset", request.offset);
    let length = offset(&mut c, "length", request.length);
    c.done((id, begin, length))
}
