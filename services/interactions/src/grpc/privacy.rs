//! Calls about what becomes of personal data.

use std::sync::Arc;

use futures::StreamExt as _;
use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Answers, decode, encode};
use crate::app::App;

/// What becomes of personal data.
pub(crate) struct Privacy(pub(crate) Arc<App>);

const SET_PRIVACY_POLICY: &str = "rapport.interactions.v1.PrivacyService/SetPrivacyPolicy";
const ERASE_CUSTOMER: &str = "rapport.interactions.v1.PrivacyService/EraseCustomer";
const SET_RETENTION_RULES: &str = "rapport.interactions.v1.PrivacyService/SetRetentionRules";
const PLACE_LEGAL_HOLD: &str = "rapport.interactions.v1.PrivacyService/PlaceLegalHold";
const RELEASE_LEGAL_HOLD: &str = "rapport.interactions.v1.PrivacyService/ReleaseLegalHold";

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

    async fn erase_customer(
        &self,
        request: Request<pb::EraseCustomerRequest>,
    ) -> Result<Response<pb::EraseCustomerResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (id, customer) = decode::erase_customer(request.get_ref())?;
        let key = Key::new(&ctx, ERASE_CUSTOMER, id, request.get_ref());
        let interaction_count = self.0.erase_customer(&ctx, &key, customer).await?;
        Ok(Response::new(pb::EraseCustomerResponse {
            interaction_count,
        }))
    }

    type ExportCustomerStream = Answers<pb::ExportCustomerResponse>;

    async fn export_customer(
        &self,
        request: Request<pb::ExportCustomerRequest>,
    ) -> Result<Response<Self::ExportCustomerStream>, Status> {
        let ctx = Context::of(&request)?;
        let customer = decode::export_customer(request.get_ref())?;
        let app = Arc::clone(&self.0);
        let cursor = &request.get_ref().cursor;
        let pieces = app.export_customer(&ctx, customer, cursor).await?;
        let pieces = pieces.map(|piece| piece.map(encode::exported).map_err(Status::from));
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn get_retention_rules(
        &self,
        request: Request<pb::GetRetentionRulesRequest>,
    ) -> Result<Response<pb::GetRetentionRulesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let rules = self.0.retention_rules(&ctx).await?;
        Ok(Response::new(pb::GetRetentionRulesResponse {
            retention_rules: Some(encode::retention_rules(&rules)),
        }))
    }

    async fn set_retention_rules(
        &self,
        request: Request<pb::SetRetentionRulesRequest>,
    ) -> Result<Response<pb::SetRetentionRulesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::set_retention_rules(request.get_ref())?;
        let id = wanted.request_id;
        let key = Key::new(&ctx, SET_RETENTION_RULES, id, request.get_ref());
        let rules = self.0.set_retention_rules(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::SetRetentionRulesResponse {
            retention_rules: Some(encode::retention_rules(&rules)),
        }))
    }

    async fn place_legal_hold(
        &self,
        request: Request<pb::PlaceLegalHoldRequest>,
    ) -> Result<Response<pb::PlaceLegalHoldResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::place_hold(request.get_ref())?;
        let id = wanted.request_id;
        let key = Key::new(&ctx, PLACE_LEGAL_HOLD, id, request.get_ref());
        let hold = self.0.place_hold(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::PlaceLegalHoldResponse {
            legal_hold: Some(encode::hold(hold)),
        }))
    }

    async fn release_legal_hold(
        &self,
        request: Request<pb::ReleaseLegalHoldRequest>,
    ) -> Result<Response<pb::ReleaseLegalHoldResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::release_hold(request.get_ref())?;
        let id = wanted.request_id;
        let key = Key::new(&ctx, RELEASE_LEGAL_HOLD, id, request.get_ref());
        let hold = self.0.release_hold(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::ReleaseLegalHoldResponse {
            legal_hold: Some(encode::hold(hold)),
        }))
    }

    async fn list_legal_holds(
        &self,
        request: Request<pb::ListLegalHoldsRequest>,
    ) -> Result<Response<pb::ListLegalHoldsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (standing, page) = decode::list_holds(request.get_ref())?;
        let (found, next_page_token) = self.0.holds(&ctx, standing, &page).await?;
        let legal_holds = found.into_iter().map(encode::hold).collect();
        Ok(Response::new(pb::ListLegalHoldsResponse {
            legal_holds,
            next_page_token,
        }))
    }
}
