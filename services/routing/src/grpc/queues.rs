use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::queue_service_server::QueueService for Grpc {
    async fn create_queue(
        &self,
        request: Request<pb::CreateQueueRequest>,
    ) -> Result<Response<pb::CreateQueueResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, new) = decode::create_queue(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.QueueService/CreateQueue",
            id,
            &body,
        );
        let queue = Some(encode::queue(self.app.create_queue(&ctx, key, new).await?));
        Ok(Response::new(pb::CreateQueueResponse { queue }))
    }

    async fn get_queue(
        &self,
        request: Request<pb::GetQueueRequest>,
    ) -> Result<Response<pb::GetQueueResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("queue_id", &request.get_ref().queue_id)?;
        let queue = Some(encode::queue(self.app.get_queue(&ctx, id).await?));
        Ok(Response::new(pb::GetQueueResponse { queue }))
    }

    async fn list_queues(
        &self,
        request: Request<pb::ListQueuesRequest>,
    ) -> Result<Response<pb::ListQueuesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, paging) = decode::list_queues(&request.into_inner())?;
        let listed = self.app.list_queues(&ctx, &filter, &paging).await?;
        let queues = listed.rows.into_iter().map(encode::queue).collect();
        Ok(Response::new(pb::ListQueuesResponse {
            queues,
            next_page_token: listed.next,
        }))
    }

    async fn update_queue(
        &self,
        request: Request<pb::UpdateQueueRequest>,
    ) -> Result<Response<pb::UpdateQueueResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, queue, change, etag) = decode::update_queue(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.QueueService/UpdateQueue",
            id,
            &body,
        );
        let queue = self
            .app
            .update_queue(&ctx, key, queue, change, etag)
            .await?;
        Ok(Response::new(pb::UpdateQueueResponse {
            queue: Some(encode::queue(queue)),
        }))
    }
}
