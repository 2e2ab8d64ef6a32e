use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::virtual_agent_service_server::VirtualAgentService for Grpc {
    async fn hand_over_work(
        &self,
        request: Request<pb::HandOverWorkRequest>,
    ) -> Result<Response<pb::HandOverWorkResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, to) = decode::hand_over_work(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.VirtualAgentService/HandOverWork",
            id,
            &body,
        );
        let work = self.app.hand_over_work(&ctx, key, item, to).await?;
        Ok(Response::new(pb::HandOverWorkResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn get_hand_over(
        &self,
        request: Request<pb::GetHandOverRequest>,
    ) -> Result<Response<pb::GetHandOverResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("work_item_id", &request.get_ref().work_item_id)?;
        let given = self.app.get_hand_over(&ctx, id).await?;
        Ok(Response::new(pb::GetHandOverResponse {
            hand_over: Some(encode::hand_over(&given)),
        }))
    }
}
