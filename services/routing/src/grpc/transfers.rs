use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

macro_rules! key {
    ($ctx:expr, $method:literal, $id:expr, $body:expr) => {
        Key::new(
            &$ctx,
            concat!("rapport.routing.v1.TransferService/", $method),
            $id,
            &$body,
        )
    };
}

#[tonic::async_trait]
impl pb::transfer_service_server::TransferService for Grpc {
    async fn transfer_work_item(
        &self,
        request: Request<pb::TransferWorkItemRequest>,
    ) -> Result<Response<pb::TransferWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, transfer) = decode::transfer_work_item(&body)?;
        let key = key!(ctx, "TransferWorkItem", id, body);
        let (work, next) = self
            .app
            .transfer_work_item(&ctx, key, item, transfer)
            .await?;
        Ok(Response::new(pb::TransferWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
            next_work_item: Some(encode::work_item(&next)),
        }))
    }

    async fn start_consult(
        &self,
        request: Request<pb::StartConsultRequest>,
    ) -> Result<Response<pb::StartConsultResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, to, note) = decode::start_consult(&body)?;
        let key = key!(ctx, "StartConsult", id, body);
        let (work, asked) = self.app.start_consult(&ctx, key, item, to, note).await?;
        Ok(Response::new(pb::StartConsultResponse {
            work_item: Some(encode::work_item(&work)),
            consult_work_item: Some(encode::work_item(&asked)),
        }))
    }

    async fn complete_transfer(
        &self,
        request: Request<pb::CompleteTransferRequest>,
    ) -> Result<Response<pb::CompleteTransferResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, disposition) =
            decode::handled_work(&body.request_id, &body.work_item_id, &body.disposition)?;
        let key = key!(ctx, "CompleteTransfer", id, body);
        let (work, next) = self
            .app
            .complete_transfer(&ctx, key, item, disposition, body.skip_wrap_up)
            .await?;
        Ok(Response::new(pb::CompleteTransferResponse {
            work_item: Some(encode::work_item(&work)),
            next_work_item: Some(encode::work_item(&next)),
        }))
    }

    async fn start_conference(
        &self,
        request: Request<pb::StartConferenceRequest>,
    ) -> Result<Response<pb::StartConferenceResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item) = decode::named_work(&body.request_id, &body.work_item_id)?;
        let key = key!(ctx, "StartConference", id, body);
        let work = self.app.start_conference(&ctx, key, item).await?;
        Ok(Response::new(pb::StartConferenceResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn end_consult(
        &self,
        request: Request<pb::EndConsultRequest>,
    ) -> Result<Response<pb::EndConsultResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item) = decode::named_work(&body.request_id, &body.work_item_id)?;
        let key = key!(ctx, "EndConsult", id, body);
        let work = self.app.end_consult(&ctx, key, item).await?;
        Ok(Response::new(pb::EndConsultResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn hold_work_item(
        &self,
        request: Request<pb::HoldWorkItemRequest>,
    ) -> Result<Response<pb::HoldWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item) = decode::named_work(&body.request_id, &body.work_item_id)?;
        let key = key!(ctx, "HoldWorkItem", id, body);
        let work = self.app.hold_work_item(&ctx, key, item, true).await?;
        Ok(Response::new(pb::HoldWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn resume_work_item(
        &self,
        request: Request<pb::ResumeWorkItemRequest>,
    ) -> Result<Response<pb::ResumeWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item) = decode::named_work(&body.request_id, &body.work_item_id)?;
        let key = key!(ctx, "ResumeWorkItem", id, body);
        let work = self.app.hold_work_item(&ctx, key, item, false).await?;
        Ok(Response::new(pb::ResumeWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }
}
