//! Calls about what becomes of personal data.

use std::sync::Arc;

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::App;

/// What becomes of personal data.
pub(crate) struct Privacy(pub(crate) Arc<App>);

const SET_PRIVACY_POLICY: &str = "rapport.interactions.v1.PrivacyService/SetPrivacyPolicy";

#[tonic::async_trait]
impl pb::privacy_service_server::PrivacyService for Privacy {
    async fn get_privacy_policy(
        &self,
        request: Request<pb::GetPrivacyPolicyRequest>,
    ) -> Result<Response<pb::GetPrivacyPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let privacy_policy = Some(encode::privacy_policy(self.0.number_policy(&ctx).await?));
        Ok(Response::new(pb::GetPrivacyPolicyResponse {
            privacy_policy,
        }))
    }

    async fn set_privacy_policy(
        &self,
        request: Request<pb::SetPrivacyPolicyRequest>,
    ) -> Result<Response<pb::SetPrivacyPolicyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::set_privacy_policy(request.get_ref())?;
        let id = wanted.request_id;
        let key = Key::new(&ctx, SET_PRIVACY_POLICY, id, request.get_ref());
        let policy = self.0.set_number_policy(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::SetPrivacyPolicyResponse {
            privacy_policy: Some(encode::privacy_policy(policy)),
        }))
    }

    async fn reveal_numbers(
        &self,
        request: Request<pb::RevealNumbersRequest>,
    ) -> Result<Response<pb::RevealNumbersResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::reveal_numbers(request.get_ref())?;
        let numbers = self.0.sealed_numbers(&ctx, id).await?;
        Ok(Response::new(pb::RevealNumbersResponse {
            numbers: numbers.into_iter().map(encode::sealed_number).collect(),
        }))
    }
}
