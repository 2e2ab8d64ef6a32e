use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::agent_service_server::AgentService for Grpc {
    async fn create_agent(
        &self,
        request: Request<pb::CreateAgentRequest>,
    ) -> Result<Response<pb::CreateAgentResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, new) = decode::create_agent(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.AgentService/CreateAgent",
            id,
            &body,
        );
        let agent = Some(encode::agent(&self.app.create_agent(&ctx, key, new).await?));
        Ok(Response::new(pb::CreateAgentResponse { agent }))
    }

    async fn get_agent(
        &self,
        request: Request<pb::GetAgentRequest>,
    ) -> Result<Response<pb::GetAgentResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("agent_id", &request.get_ref().agent_id)?;
        let agent = Some(encode::agent(&self.app.get_agent(&ctx, id).await?));
        Ok(Response::new(pb::GetAgentResponse { agent }))
    }

    async fn list_agents(
        &self,
        request: Request<pb::ListAgentsRequest>,
    ) -> Result<Response<pb::ListAgentsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, paging) = decode::list_agents(&request.into_inner())?;
        let listed = self.app.list_agents(&ctx, &filter, &paging).await?;
        let agents = listed.rows.iter().map(encode::agent).collect();
        Ok(Response::new(pb::ListAgentsResponse {
            agents,
            next_page_token: listed.next,
        }))
    }

    async fn update_agent(
        &self,
        request: Request<pb::UpdateAgentRequest>,
    ) -> Result<Response<pb::UpdateAgentResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, agent, change, etag) = decode::update_agent(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.AgentService/UpdateAgent",
            id,
            &body,
        );
        let agent = self
            .app
            .update_agent(&ctx, key, agent, change, etag)
            .await?;
        Ok(Response::new(pb::UpdateAgentResponse {
            agent: Some(encode::agent(&agent)),
        }))
    }

    async fn set_agent_status(
        &self,
        request: Request<pb::SetAgentStatusRequest>,
    ) -> Result<Response<pb::SetAgentStatusResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, agent, status, reason) = decode::set_agent_status(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.AgentService/SetAgentStatus",
            id,
            &body,
        );
        let agent = self
            .app
            .set_agent_status(&ctx, key, agent, status, reason)
            .await?;
        Ok(Response::new(pb::SetAgentStatusResponse {
            agent: Some(encode::agent(&agent)),
        }))
    }
}
