use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::sla_policy_service_server::SlaPolicyService for Grpc {
    async fn create_sla_policy(
        &self,
        request: Request<pb::CreateSlaPolicyRequest>,
    ) -> Result<Response<pb::CreateSlaPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, new) = decode::create_policy(&body)?;
        let method = "rapport.routing.v1.SlaPolicyService/CreateSlaPolicy";
        let key = (!body.validate_only).then(|| Key::new(&ctx, method, id, &body));
        let (policy, redating, partial) = self.app.create_policy(&ctx, key, new).await?;
        Ok(Response::new(pb::CreateSlaPolicyResponse {
            sla_policy: Some(encode::policy(policy)),
            redating: Some(encode::redating(redating, partial)),
        }))
    }

    async fn get_sla_policy(
        &self,
        request: Request<pb::GetSlaPolicyRequest>,
    ) -> Result<Response<pb::GetSlaPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("sla_policy_id", &request.get_ref().sla_policy_id)?;
        let sla_policy = Some(encode::policy(self.app.get_policy(&ctx, id).await?));
        Ok(Response::new(pb::GetSlaPolicyResponse { sla_policy }))
    }

    async fn list_sla_policies(
        &self,
        request: Request<pb::ListSlaPoliciesRequest>,
    ) -> Result<Response<pb::ListSlaPoliciesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (code, paging) = decode::list_policies(&request.into_inner())?;
        let listed = self.app.list_policies(&ctx, code, &paging).await?;
        let sla_policies = listed.rows.into_iter().map(encode::policy).collect();
        Ok(Response::new(pb::ListSlaPoliciesResponse {
            sla_policies,
            next_page_token: listed.next,
        }))
    }

    async fn update_sla_policy(
        &self,
        request: Request<pb::UpdateSlaPolicyRequest>,
    ) -> Result<Response<pb::UpdateSlaPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, policy, change, etag) = decode::update_policy(&body)?;
        let method = "rapport.routing.v1.SlaPolicyService/UpdateSlaPolicy";
        let key = (!body.validate_only).then(|| Key::new(&ctx, method, id, &body));
        let (policy, redating, partial) = self
            .app
            .update_policy(&ctx, key, policy, change, etag)
            .await?;
        Ok(Response::new(pb::UpdateSlaPolicyResponse {
            sla_policy: Some(encode::policy(policy)),
            redating: Some(encode::redating(redating, partial)),
        }))
    }

    async fn explain_sla(
        &self,
        request: Request<pb::ExplainSlaRequest>,
    ) -> Result<Response<pb::ExplainSlaResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("ticket_id", &request.get_ref().ticket_id)?;
        let explained = self.app.explain_sla(&ctx, id).await?;
        Ok(Response::new(pb::ExplainSlaResponse {
            explanation: Some(encode::explanation(&explained)),
        }))
    }
}
