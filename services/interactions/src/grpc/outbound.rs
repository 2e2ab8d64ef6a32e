//! Messages of ours: decode, call, encode.

use std::sync::Arc;

use futures::StreamExt as _;
use prost::Message as _;
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::idempotency::Key;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, decode, encode};
use crate::app::App;

/// Messages of ours.
pub(crate) struct Outbound(pub(crate) Arc<App>);

const QUEUE: &str = "rapport.interactions.v1.OutboundService/QueueOutbound";
const CANCEL: &str = "rapport.interactions.v1.OutboundService/CancelOutbound";
const RETRY: &str = "rapport.interactions.v1.OutboundService/RetryOutbound";

#[tonic::async_trait]
impl pb::outbound_service_server::OutboundService for Outbound {
    async fn queue_outbound(
        &self,
        request: Request<pb::QueueOutboundRequest>,
    ) -> Result<Response<pb::QueueOutboundResponse>, Status> {
        let ctx = Context::of(&request)?;
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let wanted = decode::outbound::queue(request.clone(), self.0.now())?;
        let key = Key::new(&ctx, QUEUE, wanted.request_id, &request);
        let (outbound, interaction) = self.0.queue_outbound(&ctx, key, wanted, bytes).await?;
        Ok(Response::new(pb::QueueOutboundResponse {
            outbound: Some(encode::outbound::outbound(outbound)),
            interaction: Some(encode::interaction(interaction)),
        }))
    }

    async fn get_outbound(
        &self,
        request: Request<pb::GetOutboundRequest>,
    ) -> Result<Response<pb::GetOutboundResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::outbound::get(request.get_ref())?;
        let outbound = Some(encode::outbound::outbound(self.0.outbound(&ctx, id).await?));
        Ok(Response::new(pb::GetOutboundResponse { outbound }))
    }

    async fn list_outbound(
        &self,
        request: Request<pb::ListOutboundRequest>,
    ) -> Result<Response<pb::ListOutboundResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, page) = decode::outbound::list(request.get_ref())?;
        let (found, next_page_token) = self.0.outbounds(&ctx, filter, &page).await?;
        let outbounds = found.into_iter().map(encode::outbound::outbound).collect();
        Ok(Response::new(pb::ListOutboundResponse {
            outbounds,
            next_page_token,
        }))
    }

    async fn cancel_outbound(
        &self,
        request: Request<pb::CancelOutboundRequest>,
    ) -> Result<Response<pb::CancelOutboundResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (request_id, id) = decode::outbound::cancel(request.get_ref())?;
        let key = Key::new(&ctx, CANCEL, request_id, request.get_ref());
        let outbound = self.0.cancel_outbound(&ctx, &key, id).await?;
        let outbound = Some(encode::outbound::outbound(outbound));
        Ok(Response::new(pb::CancelOutboundResponse { outbound }))
    }

    async fn retry_outbound(
        &self,
        request: Request<pb::RetryOutboundRequest>,
    ) -> Result<Response<pb::RetryOutboundResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (request_id, id, expires_at) =
            decode::outbound::retry(request.get_ref(), self.0.now())?;
        let key = Key::new(&ctx, RETRY, request_id, request.get_ref());
        let outbound = self.0.retry_outbound(&ctx, &key, id, expires_at).await?;
        let outbound = Some(encode::outbound::outbound(outbound));
        Ok(Response::new(pb::RetryOutboundResponse { outbound }))
    }

    type DeliverOutboundStream = Answers<pb::DeliverOutboundResponse>;

    async fn deliver_outbound(
        &self,
        request: Request<Streaming<pb::DeliverOutboundRequest>>,
    ) -> Result<Response<Self::DeliverOutboundStream>, Status> {
        let ctx = Context::of(&request)?;
        let heard = request.into_inner().map(|said| match said {
            Ok(said) => Ok(decode::outbound::heard(said)),
            Err(status) => Err(Failure::from(status)),
        });
        let spoken = Arc::clone(&self.0).deliver(&ctx, heard.boxed())?;
        let spoken =
            spoken.map(|spoken| spoken.map(encode::outbound::spoken).map_err(Status::from));
        Ok(Response::new(Box::pin(spoken)))
    }
}
