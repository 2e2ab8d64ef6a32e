//! `rapport.access.v1`: decode, call, encode.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::access::v1::tenant_service_server::TenantService;
use rapport_proto::access::v1::{
    CreateTenantRequest, CreateTenantResponse, GetTenantRequest, GetTenantResponse,
    ListTenantsRequest, ListTenantsResponse, UpdateTenantRequest, UpdateTenantResponse,
};
use tonic::{Request, Response, Status};

use crate::app::tenants::Tenants;

pub(crate) mod audit;
mod decode;
mod encode;

/// The tenants' service.
pub(crate) struct TenantApi(pub(crate) Tenants);

#[tonic::async_trait]
impl TenantService for TenantApi {
    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, wanted) = decode::create(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.TenantService/CreateTenant",
            request_id,
            &body,
        );
        let tenant = Some(encode::tenant(self.0.create(&ctx, &key, wanted).await?));
        Ok(Response::new(CreateTenantResponse { tenant }))
    }

    async fn get_tenant(
        &self,
        request: Request<GetTenantRequest>,
    ) -> Result<Response<GetTenantResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::get(request.get_ref())?;
        let tenant = Some(encode::tenant(self.0.get(&ctx, id).await?));
        Ok(Response::new(GetTenantResponse { tenant }))
    }

    async fn list_tenants(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let most = decode::list(&body)?;
        let (tenants, next_page_token) = self.0.list(&ctx, &body.page_token, most).await?;
        let tenants = tenants.into_iter().map(encode::tenant).collect();
        Ok(Response::new(ListTenantsResponse {
            tenants,
            next_page_token,
        }))
    }

    async fn update_tenant(
        &self,
        request: Request<UpdateTenantRequest>,
    ) -> Result<Response<UpdateTenantResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, id, etag, change) = decode::update(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.TenantService/UpdateTenant",
            request_id,
            &body,
        );
        let tenant = self.0.update(&ctx, &key, id, etag, &change).await?;
        Ok(Response::new(UpdateTenantResponse {
            tenant: Some(encode::tenant(tenant)),
        }))
    }
}
