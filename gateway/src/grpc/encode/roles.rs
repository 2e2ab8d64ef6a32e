//! Roles and bindings to messages.

use rapport_foundation::etag;
use rapport_proto::access::v1::{Role as RoleMessage, RoleBinding};

use crate::domain::role::{Binding, Role};

pub(in crate::grpc) fn role(role: Role) -> RoleMessage {
    RoleMessage {
        id: role.id.to_string(),
        display_name: role.display_name,
        scopes: role.scopes,
        create_time: Some(role.created.into()),
        update_time: Some(role.updated.into()),
        etag: etag::of(role.version),
    }
}

pub(in crate::grpc) fn binding(binding: Binding) -> RoleBinding {
    RoleBinding {
        id: binding.id.to_string(),
        role_id: binding.role.to_string(),
        issuer: binding.identity.issuer().to_owned(),
        principal: binding.identity.principal().to_owned(),
        create_time: Some(binding.created.into()),
    }
}
