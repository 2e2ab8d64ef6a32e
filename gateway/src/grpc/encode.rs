//! Tenants to messages.

use rapport_foundation::etag;
use rapport_proto::access::v1::{
    Quota as QuotaMessage, Rate as RateMessage, Tenant as Message, TenantState,
};

use crate::domain::quota::{Quota, Rate};
use crate::domain::tenant::{State, Tenant};

pub(super) mod api_keys;
pub(super) mod revocations;
pub(super) mod roles;

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
        quota: tenant.quota.map(quota),
    }
}

fn quota(quota: Quota) -> QuotaMessage {
    QuotaMessage {
        read: quota.read.map(rate),
        write: quota.write.map(rate),
        bulk: quota.bulk.map(rate),
        stream: quota.stream.map(rate),
        concurrent_calls: count(quota.concurrent_calls),
        concurrent_streams: count(quota.concurrent_streams),
    }
}

fn rate(rate: Rate) -> RateMessage {
    RateMessage {
        calls_per_second: count(Some(rate.calls_per_second)),
        burst: count(Some(rate.burst)),
    }
}

fn count(number: Option<u32>) -> i32 {
    i32::try_from(number.unwrap_or(0)).unwrap_or(i32::MAX)
}
