//! Revocations: decode, call, encode.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::access::v1::revocation_service_server::RevocationService;
use rapport_proto::access::v1::{
    ListRevocationsRequest, ListRevocationsResponse, RevokeTokensRequest, RevokeTokensResponse,
};
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::revocations::Revocations;

/// The revocations' service.
pub(crate) struct RevocationApi(pub(crate) Revocations);

#[tonic::async_trait]
impl RevocationService for RevocationApi {
    async fn revoke_tokens(
        &self,
        request: Request<RevokeTokensRequest>,
    ) -> Result<Response<RevokeTokensResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, wanted) = decode::revocations::revoke(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.RevocationService/RevokeTokens",
            request_id,
            &body,
        );
        let revocation = self.0.revoke(&ctx, &key, wanted).await?;
        let revocation = Some(encode::revocations::revocation(revocation));
        Ok(Response::new(RevokeTokensResponse { revocation }))
    }

    async fn list_revocations(
        &self,
        request: Request<ListRevocationsRequest>,
    ) -> Result<Response<ListRevocationsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (tenant, page) = decode::revocations::list(&body)?;
        let (revocations, next_page_token) = self.0.list(&ctx, tenant, page).await?;
        let revocations = revocations
            .into_iter()
            .map(encode::revocations::revocation)
            .collect();
        Ok(Response::new(ListRevocationsResponse {
            revocations,
            next_page_token,
        }))
    }
}
