//! Requests about roles and who holds them.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{BindingId, TenantId};
use rapport_proto::access::v1::{
    BindRoleRequest, CreateRoleRequest, DeleteRoleRequest, GetRoleRequest, Role, UnbindRoleRequest,
    UpdateRoleRequest,
};
use uuid::Uuid;

use super::{named, names};
use crate::app::Page;
use crate::app::roles::Which;
use crate::domain::identity::Identity;
use crate::domain::role::Change;

const MOST_SCOPES: usize = 64;

type Create = (Uuid, Option<TenantId>, (String, Vec<String>));

pub(in crate::grpc) fn create(request: &CreateRoleRequest) -> Result<Create, Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let tenant = named(&mut check, &request.tenant_id);
    let name = check.line("display_name", &request.display_name, 1..=100);
    let scopes = scopes(&mut check, &request.scopes);
    check.done((request_id, tenant, (name, scopes)))
}

pub(in crate::grpc) fn get(request: &GetRoleRequest) -> Result<Which, Failure> {
    let mut check = Check::new();
    let which = which(&mut check, (&request.role_id, &request.tenant_id), "");
    check.done(which)
}

/// A page of roles or bindings.
pub(in crate::grpc) fn list<'a>(
    tenant_id: &str,
    page_size: i32,
    token: &'a str,
) -> Result<(Option<TenantId>, Page<'a>), Failure> {
    let mut check = Check::new();
    let tenant = named(&mut check, tenant_id);
    let most = check.page_size(page_size, 50, 1000);
    check.done((tenant, Page { token, most }))
}

pub(in crate::grpc) fn update(
    request: &UpdateRoleRequest,
) -> Result<(Uuid, Which, Change), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let names = (request.role_id.as_str(), request.tenant_id.as_str());
    let which = which(&mut check, names, &request.etag);
    let settable = ["display_name", "scopes"];
    let mask = check.mask("update_mask", request.update_mask.as_ref(), &settable);
    let read = |check: &mut Check, role: &Role| Change {
        display_name: mask
            .contains("display_name")
            .then(|| check.line("display_name", &role.display_name, 1..=100)),
        scopes: mask.contains("scopes").then(|| scopes(check, &role.scopes)),
    };
    let change = check.message("role", request.role.as_ref(), read);
    check.done((request_id, which, change))
}

pub(in crate::grpc) fn delete(request: &DeleteRoleRequest) -> Result<(Uuid, Which), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let names = (request.role_id.as_str(), request.tenant_id.as_str());
    let which = which(&mut check, names, &request.etag);
    check.done((request_id, which))
}

pub(in crate::grpc) fn bind(request: &BindRoleRequest) -> Result<(Uuid, Which, Identity), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let which = which(&mut check, (&request.role_id, &request.tenant_id), "");
    let issuer = check.line("issuer", &request.issuer, 1..=512);
    let principal = check.line("principal", &request.principal, 1..=512);
    check.done((request_id, which, Identity::new(issuer, principal)))
}

pub(in crate::grpc) fn unbind(
    request: &UnbindRoleRequest,
) -> Result<(Uuid, Option<TenantId>, BindingId), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let id = check.id("binding_id", &request.binding_id);
    let tenant = named(&mut check, &request.tenant_id);
    check.done((request_id, tenant, id))
}

fn which(check: &mut Check, (id, tenant): (&str, &str), etag: &str) -> Which {
    Which {
        id: check.id("role_id", id),
        tenant: named(check, tenant),
        etag: check.etag(etag),
    }
}

fn scopes(check: &mut Check, scopes: &[String]) -> Vec<String> {
    check.require(!scopes.is_empty(), "scopes", "REQUIRED", "names no scope");
    names(check, "scopes", scopes, MOST_SCOPES)
}
