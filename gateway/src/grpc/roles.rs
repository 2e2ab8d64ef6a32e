//! Roles and bindings: decode, call, encode.

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::access::v1::role_service_server::RoleService;
use rapport_proto::access::v1::{
    BindRoleRequest, BindRoleResponse, CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest,
    DeleteRoleResponse, GetRoleRequest, GetRoleResponse, ListBindingsRequest, ListBindingsResponse,
    ListRolesRequest, ListRolesResponse, UnbindRoleRequest, UnbindRoleResponse, UpdateRoleRequest,
    UpdateRoleResponse,
};
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::roles::Roles;

/// The roles' service.
pub(crate) struct RoleApi(pub(crate) Roles);

#[tonic::async_trait]
impl RoleService for RoleApi {
    async fn create_role(
        &self,
        request: Request<CreateRoleRequest>,
    ) -> Result<Response<CreateRoleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, tenant, wanted) = decode::roles::create(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.RoleService/CreateRole",
            request_id,
            &body,
        );
        let role = self.0.create(&ctx, &key, tenant, wanted).await?;
        let role = Some(encode::roles::role(role));
        Ok(Response::new(CreateRoleResponse { role }))
    }

    async fn get_role(
        &self,
        request: Request<GetRoleRequest>,
    ) -> Result<Response<GetRoleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let role = self.0.get(&ctx, decode::roles::get(&body)?).await?;
        let role = Some(encode::roles::role(role));
        Ok(Response::new(GetRoleResponse { role }))
    }

    async fn list_roles(
        &self,
        request: Request<ListRolesRequest>,
    ) -> Result<Response<ListRolesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (tenant, page) =
            decode::roles::list(&body.tenant_id, body.page_size, &body.page_token)?;
        let (roles, next_page_token) = self.0.list(&ctx, tenant, page).await?;
        let roles = roles.into_iter().map(encode::roles::role).collect();
        Ok(Response::new(ListRolesResponse {
            roles,
            next_page_token,
        }))
    }

    async fn update_role(
        &self,
        request: Request<UpdateRoleRequest>,
    ) -> Result<Response<UpdateRoleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, which, change) = decode::roles::update(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.RoleService/UpdateRole",
            request_id,
            &body,
        );
        let role = self.0.update(&ctx, &key, which, &change).await?;
        let role = Some(encode::roles::role(role));
        Ok(Response::new(UpdateRoleResponse { role }))
    }

    async fn delete_role(
        &self,
        request: Request<DeleteRoleRequest>,
    ) -> Result<Response<DeleteRoleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, which) = decode::roles::delete(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.RoleService/DeleteRole",
            request_id,
            &body,
        );
        self.0.delete(&ctx, &key, which).await?;
        let role_id = body.role_id;
        Ok(Response::new(DeleteRoleResponse { role_id }))
    }

    async fn bind_role(
        &self,
        request: Request<BindRoleRequest>,
    ) -> Result<Response<BindRoleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, which, identity) = decode::roles::bind(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.RoleService/BindRole",
            request_id,
            &body,
        );
        let binding = self.0.bind(&ctx, &key, which, identity).await?;
        let binding = Some(encode::roles::binding(binding));
        Ok(Response::new(BindRoleResponse { binding }))
    }

    async fn unbind_role(
        &self,
        request: Request<UnbindRoleRequest>,
    ) -> Result<Response<UnbindRoleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (request_id, tenant, id) = decode::roles::unbind(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.access.v1.RoleService/UnbindRole",
            request_id,
            &body,
        );
        self.0.unbind(&ctx, &key, tenant, id).await?;
        let binding_id = body.binding_id;
        Ok(Response::new(UnbindRoleResponse { binding_id }))
    }

    async fn list_bindings(
        &self,
        request: Request<ListBindingsRequest>,
    ) -> Result<Response<ListBindingsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (tenant, page) =
            decode::roles::list(&body.tenant_id, body.page_size, &body.page_token)?;
        let (bindings, next_page_token) = self.0.bindings(&ctx, tenant, page).await?;
        let bindings = bindings.into_iter().map(encode::roles::binding).collect();
        Ok(Response::new(ListBindingsResponse {
            bindings,
            next_page_token,
        }))
    }
}
