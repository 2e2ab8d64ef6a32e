//! API keys: decode, call, encode.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::access::v1::api_key_service_server::ApiKeyService;
use rapport_proto::access::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, GetApiKeyRequest, GetApiKeyResponse,
    ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest, RevokeApiKeyResponse,
    RotateApiKeyRequest, RotateApiKeyResponse, UpdateApiKeyRequest, UpdateApiKeyResponse,
};
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::api_keys::ApiKeys;

/// The keys' service.
pub(crate) struct ApiKeyApi(pub(crate) ApiKeys);

#[tonic::async_trait]
impl ApiKeyService for ApiKeyApi {
    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, tenant, wanted) = decode::api_keys::create(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.ApiKeyService/CreateApiKey",
            request_id,
            &body,
        );
        let made = self.0.create(&ctx, &key, tenant, wanted).await?;
        Ok(Response::new(CreateApiKeyResponse {
            api_key: Some(encode::api_keys::key(made.key)),
            secret: made.text,
        }))
    }

    async fn get_api_key(
        &self,
        request: Request<GetApiKeyRequest>,
    ) -> Result<Response<GetApiKeyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let key = self.0.get(&ctx, decode::api_keys::get(&body)?).await?;
        let api_key = Some(encode::api_keys::key(key));
        Ok(Response::new(GetApiKeyResponse { api_key }))
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (tenant, page) = decode::api_keys::list(&body)?;
        let (keys, next_page_token) = self.0.list(&ctx, tenant, page).await?;
        let api_keys = keys.into_iter().map(encode::api_keys::key).collect();
        Ok(Response::new(ListApiKeysResponse {
            api_keys,
            next_page_token,
        }))
    }

    async fn update_api_key(
        &self,
        request: Request<UpdateApiKeyRequest>,
    ) -> Result<Response<UpdateApiKeyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, which, change) = decode::api_keys::update(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.ApiKeyService/UpdateApiKey",
            request_id,
            &body,
        );
        let updated = self.0.update(&ctx, &key, which, &change).await?;
        let api_key = Some(encode::api_keys::key(updated));
        Ok(Response::new(UpdateApiKeyResponse { api_key }))
    }

    async fn rotate_api_key(
        &self,
        request: Request<RotateApiKeyRequest>,
    ) -> Result<Response<RotateApiKeyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, which, overlap) = decode::api_keys::rotate(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.ApiKeyService/RotateApiKey",
            request_id,
            &body,
        );
        let made = self.0.rotate(&ctx, &key, which, overlap).await?;
        Ok(Response::new(RotateApiKeyResponse {
            api_key: Some(encode::api_keys::key(made.key)),
            secret: made.text,
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokeApiKeyResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, which) = decode::api_keys::revoke(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.ApiKeyService/RevokeApiKey",
            request_id,
            &body,
        );
        let revoked = self.0.revoke(&ctx, &key, which).await?;
        let api_key = Some(encode::api_keys::key(revoked));
        Ok(Response::new(RevokeApiKeyResponse { api_key }))
    }
}
