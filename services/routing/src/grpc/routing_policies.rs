use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

macro_rules! key {
    ($ctx:expr, $method:literal, $id:expr, $body:expr) => {
        Key::new(
            &$ctx,
            concat!("rapport.routing.v1.RoutingPolicyService/", $method),
            $id,
            &$body,
        )
    };
}

#[tonic::async_trait]
impl pb::routing_policy_service_server::RoutingPolicyService for Grpc {
    async fn create_routing_draft(
        &self,
        request: Request<pb::CreateRoutingDraftRequest>,
    ) -> Result<Response<pb::CreateRoutingDraftResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, draft) = decode::create_routing_draft(&body)?;
        let key = key!(ctx, "CreateRoutingDraft", id, body);
        let policy = self.app.create_routing_draft(&ctx, key, draft).await?;
        Ok(Response::new(pb::CreateRoutingDraftResponse {
            routing_policy: Some(encode::routing_policy(policy)),
        }))
    }

    async fn update_routing_draft(
        &self,
        request: Request<pb::UpdateRoutingDraftRequest>,
    ) -> Result<Response<pb::UpdateRoutingDraftResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, policy, draft, etag) = decode::update_routing_draft(&body)?;
        let key = key!(ctx, "UpdateRoutingDraft", id, body);
        let policy = self
            .app
            .update_routing_draft(&ctx, key, policy, draft, etag)
            .await?;
        Ok(Response::new(pb::UpdateRoutingDraftResponse {
            routing_policy: Some(encode::routing_policy(policy)),
        }))
    }

    async fn get_routing_policy(
        &self,
        request: Request<pb::GetRoutingPolicyRequest>,
    ) -> Result<Response<pb::GetRoutingPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("routing_policy_id", &request.get_ref().routing_policy_id)?;
        let policy = self.app.get_routing_policy(&ctx, id).await?;
        Ok(Response::new(pb::GetRoutingPolicyResponse {
            routing_policy: Some(encode::routing_policy(policy)),
        }))
    }

    async fn list_routing_policies(
        &self,
        request: Request<pb::ListRoutingPoliciesRequest>,
    ) -> Result<Response<pb::ListRoutingPoliciesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (state, paging) = decode::list_routing_policies(&request.into_inner())?;
        let listed = self.app.list_routing_policies(&ctx, state, &paging).await?;
        let routing_policies = listed.rows.into_iter().map(encode::routing_policy);
        Ok(Response::new(pb::ListRoutingPoliciesResponse {
            routing_policies: routing_policies.collect(),
            next_page_token: listed.next,
        }))
    }

    async fn lint_routing_policy(
        &self,
        request: Request<pb::LintRoutingPolicyRequest>,
    ) -> Result<Response<pb::LintRoutingPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("routing_policy_id", &request.get_ref().routing_policy_id)?;
        let findings = self.app.lint_routing(&ctx, id).await?;
        Ok(Response::new(encode::findings(findings)))
    }

    async fn publish_routing_policy(
        &self,
        request: Request<pb::PublishRoutingPolicyRequest>,
    ) -> Result<Response<pb::PublishRoutingPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, policy, etag) =
            decode::version(&body.request_id, &body.routing_policy_id, &body.etag)?;
        let key = key!(ctx, "PublishRoutingPolicy", id, body);
        let policy = self
            .app
            .publish_routing(&ctx, key, policy, false, etag)
            .await?;
        Ok(Response::new(pb::PublishRoutingPolicyResponse {
            routing_policy: Some(encode::routing_policy(policy)),
        }))
    }

    async fn roll_back_routing_policy(
        &self,
        request: Request<pb::RollBackRoutingPolicyRequest>,
    ) -> Result<Response<pb::RollBackRoutingPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, policy, etag) =
            decode::version(&body.request_id, &body.routing_policy_id, &body.etag)?;
        let key = key!(ctx, "RollBackRoutingPolicy", id, body);
        let policy = self
            .app
            .publish_routing(&ctx, key, policy, true, etag)
            .await?;
        Ok(Response::new(pb::RollBackRoutingPolicyResponse {
            routing_policy: Some(encode::routing_policy(policy)),
        }))
    }

    async fn explain_routing(
        &self,
        request: Request<pb::ExplainRoutingRequest>,
    ) -> Result<Response<pb::ExplainRoutingResponse>, Status> {
        let ctx = Context::of(&request)?;
        let asked = decode::explain_routing(&request.into_inner())?;
        let explained = self.app.explain_routing(&ctx, asked).await?;
        Ok(Response::new(pb::ExplainRoutingResponse {
            explanation: Some(encode::routing_explanation(explained)),
        }))
    }
}
