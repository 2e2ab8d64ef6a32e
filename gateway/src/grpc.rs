//! `rapport.access.v1`: decode, call, encode.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_foundation::service::MESSAGE_LIMIT_BYTES;
use rapport_proto::access::v1::api_key_service_server::ApiKeyServiceServer;
use rapport_proto::access::v1::audit_service_server::AuditServiceServer;
use rapport_proto::access::v1::revocation_service_server::RevocationServiceServer;
use rapport_proto::access::v1::role_service_server::RoleServiceServer;
use rapport_proto::access::v1::tenant_service_server::{TenantService, TenantServiceServer};
use rapport_proto::access::v1::{
    CreateTenantRequest, CreateTenantResponse, GetTenantRequest, GetTenantResponse,
    ListTenantsRequest, ListTenantsResponse, UpdateTenantRequest, UpdateTenantResponse,
};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::app::Access;
use crate::app::api_keys::ApiKeys;
use crate::app::audit::Trail;
use crate::app::revocations::Revocations;
use crate::app::roles::Roles;
use crate::app::tenants::Tenants;

mod api_keys;
mod audit;
mod decode;
mod encode;
mod revocations;
mod roles;

pub(crate) use api_keys::ApiKeyApi;

/// Every service of the package, not yet guarded.
pub(crate) fn routes(access: Access, trail: Trail) -> Routes {
    let limit = MESSAGE_LIMIT_BYTES;
    let tenants = TenantServiceServer::new(TenantApi(Tenants(access.clone())));
    let keys = ApiKeyServiceServer::new(ApiKeyApi(ApiKeys(access.clone())));
    let roles = RoleServiceServer::new(roles::RoleApi(Roles(access.clone())));
    let revocations = revocations::RevocationApi(Revocations(access));
    let revocations = RevocationServiceServer::new(revocations);
    let audit = AuditServiceServer::new(audit::AuditApi(trail));
    Routes::new(
        tenants
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit),
    )
    .add_service(
        keys.max_decoding_message_size(limit)
            .max_encoding_message_size(limit),
    )
    .add_service(
        roles
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit),
    )
    .add_service(
        revocations
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit),
    )
    .add_service(
        audit
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit),
    )
}

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
