//! The calls about files.

use std::sync::Arc;

use futures::{StreamExt as _, future, stream};
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::idempotency::Key;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, decode, encode};
use crate::app::App;

/// Files of contacts.
pub(crate) struct Files(pub(crate) Arc<App>);

const BEGIN_UPLOAD: &str = "rapport.interactions.v1.MediaService/BeginUpload";

#[tonic::async_trait]
impl pb::media_service_server::MediaService for Files {
    async fn begin_upload(
        &self,
        request: Request<pb::BeginUploadRequest>,
    ) -> Result<Response<pb::BeginUploadResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::begin_upload(request.get_ref())?;
        let key = Key::new(&ctx, BEGIN_UPLOAD, wanted.request_id, request.get_ref());
        let media = self.0.begin_upload(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::BeginUploadResponse {
            media_id: media.id.to_string(),
            received_bytes: encode::bytes(media.received),
        }))
    }

    async fn append_upload(
        &self,
        request: Request<pb::AppendUploadRequest>,
    ) -> Result<Response<pb::AppendUploadResponse>, Status> {
        let ctx = Context::of(&request)?;
        let request = request.into_inner();
        let (id, offset) = decode::append_upload(&request)?;
        let received = self.0.append_upload(&ctx, id, offset, request.data);
        let received_bytes = encode::bytes(received.await?);
        Ok(Response::new(pb::AppendUploadResponse { received_bytes }))
    }

    async fn stream_upload(
        &self,
        request: Request<Streaming<pb::StreamUploadRequest>>,
    ) -> Result<Response<pb::StreamUploadResponse>, Status> {
        let ctx = Context::of(&request)?;
        let mut messages = request.into_inner();
        let first = messages.message().await.map_err(Failure::from)?;
        let first = first.unwrap_or_default();
        let (id, offset) = decode::stream_upload(&first)?;
        let data = stream::once(future::ready(Ok(first.data)));
        let data = data.chain(messages.map(|message| match message {
            Ok(message) => Ok(message.data),
            Err(status) => Err(Failure::from(status)),
        }));
        let received = self.0.stream_upload(&ctx, id, offset, data).await?;
        let received_bytes = encode::bytes(received);
        Ok(Response::new(pb::StreamUploadResponse { received_bytes }))
    }

    async fn get_upload(
        &self,
        request: Request<pb::GetUploadRequest>,
    ) -> Result<Response<pb::GetUploadResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::media_id(&request.get_ref().media_id)?;
        let media = self.0.upload_state(&ctx, id).await?;
        Ok(Response::new(encode::upload_state(&media)))
    }

    async fn finish_upload(
        &self,
        request: Request<pb::FinishUploadRequest>,
    ) -> Result<Response<pb::FinishUploadResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::media_id(&request.get_ref().media_id)?;
        let media = Some(encode::media(self.0.finish_upload(&ctx, id).await?));
        Ok(Response::new(pb::FinishUploadResponse { media }))
    }

    async fn get_media(
        &self,
        request: Request<pb::GetMediaRequest>,
    ) -> Result<Response<pb::GetMediaResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::media_id(&request.get_ref().media_id)?;
        let media = Some(encode::media(self.0.get_media(&ctx, id).await?));
        Ok(Response::new(pb::GetMediaResponse { media }))
    }

    type DownloadMediaStream = Answers<pb::DownloadMediaResponse>;

    async fn download_media(
        &self,
        request: Request<pb::DownloadMediaRequest>,
    ) -> Result<Response<Self::DownloadMediaStream>, Status> {
        let ctx = Context::of(&request)?;
        let (id, offset, length) = decode::download_media(request.get_ref())?;
        let app = Arc::clone(&self.0);
        let (media, chunks) = app.download(&ctx, id, offset, length).await?;
        let first = encode::first_of(media, offset);
        let chunks = chunks.map(|chunk| chunk.map(encode::chunk).map_err(Status::from));
        let first = stream::once(future::ready(Ok(first)));
        Ok(Response::new(Box::pin(first.chain(chunks))))
    }
}
