use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::work_item_service_server::WorkItemService for Grpc {
    async fn get_work_item(
        &self,
        request: Request<pb::GetWorkItemRequest>,
    ) -> Result<Response<pb::GetWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("work_item_id", &request.get_ref().work_item_id)?;
        let work_item = Some(encode::work_item(&self.app.get_work_item(&ctx, id).await?));
        Ok(Response::new(pb::GetWorkItemResponse { work_item }))
    }

    async fn list_work_items(
        &self,
        request: Request<pb::ListWorkItemsRequest>,
    ) -> Result<Response<pb::ListWorkItemsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, paging) = decode::list_work_items(&request.into_inner())?;
        let listed = self.app.list_work_items(&ctx, &filter, &paging).await?;
        let work_items = listed.rows.iter().map(encode::work_item).collect();
        Ok(Response::new(pb::ListWorkItemsResponse {
            work_items,
            next_page_token: listed.next,
        }))
    }

    async fn complete_work(
        &self,
        request: Request<pb::CompleteWorkRequest>,
    ) -> Result<Response<pb::CompleteWorkResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, disposition) =
            decode::handled_work(&body.request_id, &body.work_item_id, &body.disposition)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.WorkItemService/CompleteWork",
            id,
            &body,
        );
        let done = self
            .app
            .complete_work(&ctx, key, item, disposition, body.skip_wrap_up)
            .await?;
        Ok(Response::new(pb::CompleteWorkResponse {
            work_item: Some(encode::work_item(&done)),
        }))
    }

    async fn request_callback(
        &self,
        request: Request<pb::RequestCallbackRequest>,
    ) -> Result<Response<pb::RequestCallbackResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, waiting, how) = decode::request_callback(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.WorkItemService/RequestCallback",
            id,
            &body,
        );
        let work = self.app.request_callback(&ctx, key, waiting, how).await?;
        Ok(Response::new(pb::RequestCallbackResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn end_wrap_up(
        &self,
        request: Request<pb::EndWrapUpRequest>,
    ) -> Result<Response<pb::EndWrapUpResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item) = decode::named_work(&body.request_id, &body.work_item_id)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.WorkItemService/EndWrapUp",
            id,
            &body,
        );
        let done = self.app.end_wrap_up(&ctx, key, item).await?;
        Ok(Response::new(pb::EndWrapUpResponse {
            work_item: Some(encode::work_item(&done)),
        }))
    }
    async fn extend_wrap_up(
        &self,
        request: Request<pb::ExtendWrapUpRequest>,
    ) -> Result<Response<pb::ExtendWrapUpResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, by) = decode::extend_wrap_up(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.WorkItemService/ExtendWrapUp",
            id,
            &body,
        );
        let work = self.app.extend_wrap_up(&ctx, key, item, by).await?;
        Ok(Response::new(pb::ExtendWrapUpResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn park_work_item(
        &self,
        request: Request<pb::ParkWorkItemRequest>,
    ) -> Result<Response<pb::ParkWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, time) = decode::park_work_item(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.WorkItemService/ParkWorkItem",
            id,
            &body,
        );
        let work = self.app.park_work(&ctx, key, item, Some(time)).await?;
        Ok(Response::new(pb::ParkWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn unpark_work_item(
        &self,
        request: Request<pb::UnparkWorkItemRequest>,
    ) -> Result<Response<pb::UnparkWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item) = decode::named_work(&body.request_id, &body.work_item_id)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.WorkItemService/UnparkWorkItem",
            id,
            &body,
        );
        let work = self.app.park_work(&ctx, key, item, None).await?;
        Ok(Response::new(pb::UnparkWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }
}
