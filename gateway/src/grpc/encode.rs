//! Tenants to messages.

use rapport_foundation::etag;
use rapport_proto::access::v1::{Tenant as Message, TenantState};

use crate::domain::tenant::{State, Tenant};

pub(super) fn tenant(tenant: Tenant) -> Message {
    let state = match tenant.state {
        State::Active => TenantState::Active,
        State::Suspended => TenantState::Suspended,
    };
    Message {
        id: tenant.id.to_string(),
        etag: etag::of(tenant.version),
        display_name: tenant.display_name,
        state: state.into(),
        time_zone: tenant.time_zone.name().to_owned(),
        create_time: Some(tenant.created.into()),
        update_time: Some(tenant.updated.into()),
    }
}
