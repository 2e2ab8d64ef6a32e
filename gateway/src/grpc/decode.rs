//! Requests to commands: every violation at once.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TenantId;
use rapport_proto::access::v1::{
    CreateTenantRequest, GetTenantRequest, ListTenantsRequest, Quota as QuotaMessage,
    Rate as RateMessage, Tenant, TenantState, UpdateTenantRequest,
};
use uuid::Uuid;

use crate::app::tenants::NewTenant;
use crate::domain::quota::{self, Quota, Rate};
use crate::domain::tenant::{Change, State, TimeZone};

pub(super) mod api_keys;
pub(super) mod revocations;
pub(super) mod roles;

pub(super) fn create(request: &CreateTenantRequest) -> Result<(Uuid, NewTenant), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let id: Option<TenantId> = check.optional_id("tenant_id", &request.tenant_id);
    if request.tenant_id == TenantId::nil().to_string() {
        check.fail("tenant_id", "MALFORMED", "is the id of nothing");
    }
    let wanted = NewTenant {
        id,
        display_name: check.text("display_name", &request.display_name, 1..=200),
        time_zone: zone(&mut check, &request.time_zone),
        quota: share(&mut check, request.quota.as_ref()),
    };
    check.done((request_id, wanted))
}

pub(super) fn get(request: &GetTenantRequest) -> Result<TenantId, Failure> {
    let mut check = Check::new();
    let id = check.id("tenant_id", &request.tenant_id);
    check.done(id)
}

pub(super) fn list(request: &ListTenantsRequest) -> Result<u32, Failure> {
    let mut check = Check::new();
    let most = check.page_size(request.page_size, 50, 1000);
    check.done(most)
}

type Update = (Uuid, TenantId, Option<i64>, Change);

pub(super) fn update(request: &UpdateTenantRequest) -> Result<Update, Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let id = check.id("tenant_id", &request.tenant_id);
    // Who sets all knows of nothing that came later.
    let all = |mask: &&prost_types::FieldMask| mask.paths.is_empty() || mask.paths == ["*"];
    let settable: &[&str] = match request.update_mask.as_ref().filter(|mask| !all(mask)) {
        Some(_) => &["display_name", "time_zone", "state", "quota"],
        None => &["display_name", "time_zone", "state"],
    };
    let mask = check.mask("update_mask", request.update_mask.as_ref(), settable);
    let change = check.message(
        "tenant",
        request.tenant.as_ref(),
        |check, tenant: &Tenant| {
            let name =
                |check: &mut Check| check.text("display_name", &tenant.display_name, 1..=200);
            Change {
                display_name: mask.contains("display_name").then(|| name(check)),
                time_zone: mask
                    .contains("time_zone")
                    .then(|| zone(check, &tenant.time_zone)),
                state: mask.contains("state").then(|| state(check, tenant.state)),
                quota: mask
                    .contains("quota")
                    .then(|| share(check, tenant.quota.as_ref())),
            }
        },
    );
    let etag = check.etag(&request.etag);
    check.done((request_id, id, etag, change))
}

fn zone(check: &mut Check, name: &str) -> TimeZone {
    if name.is_empty() {
        return TimeZone::default();
    }
    TimeZone::named(name).unwrap_or_else(|| {
        check.fail(
            "time_zone",
            "UNKNOWN_TIME_ZONE",
            "is no zone of the IANA database",
        );
        TimeZone::default()
    })
}

fn state(check: &mut Check, raw: i32) -> State {
    match check.enumeration("state", raw) {
        TenantState::Suspended => State::Suspended,
        // Unspecified is a violation that was noted already.
        TenantState::Active | TenantState::Unspecified => State::Active,
    }
}

/// A quota; None when all of it is the default of the installation.
fn share(check: &mut Check, message: Option<&QuotaMessage>) -> Option<Quota> {
    let quota = check.within("quota", |check| {
        let message = message?;
        Some(Quota {
            read: rate(check, "read", message.read.as_ref()),
            write: rate(check, "write", message.write.as_ref()),
            bulk: rate(check, "bulk", message.bulk.as_ref()),
            stream: rate(check, "stream", message.stream.as_ref()),
            concurrent_calls: count(check, "concurrent_calls", message.concurrent_calls),
            concurrent_streams: count(check, "concurrent_streams", message.concurrent_streams),
        })
    });
    quota.filter(|quota| *quota != Quota::default())
}

fn rate(check: &mut Check, field: &str, message: Option<&RateMessage>) -> Option<Rate> {
    let message = message?;
    check.within(field, |check| {
        let calls = count(check, "calls_per_second", message.calls_per_second);
        let burst = count(check, "burst", message.burst);
        if calls.is_none() && burst.is_some() {
            check.fail("burst", "NEEDS_RATE", "needs calls_per_second");
        }
        Rate::of(calls.unwrap_or(0), burst.unwrap_or(0))
    })
}

/// A number of something; None for zero.
fn count(check: &mut Check, field: &str, number: i32) -> Option<u32> {
    match u32::try_from(number) {
        Ok(number) if number <= quota::MOST => (number > 0).then_some(number),
        _ => {
            let most = quota::MOST;
            check.fail(
                field,
                "OUT_OF_RANGE",
                format!("is not between 0 and {most}"),
            );
            None
        }
    }
}

/// Names of scopes or roles, sorted, each once.
fn names(check: &mut Check, field: &str, names: &[String], most: usize) -> Vec<String> {
    check.require(names.len() <= most, field, "TOO_MANY", "names too many");
    let mut read = Vec::new();
    for (at, name) in names.iter().enumerate().take(most) {
        read.push(check.line(&format!("{field}[{at}]"), name, 1..=128));
    }
    read.sort_unstable();
    read.dedup();
    read
}

/// The tenant that an operator names.
fn named(check: &mut Check, tenant_id: &str) -> Option<TenantId> {
    if tenant_id == TenantId::nil().to_string() {
        check.fail("tenant_id", "MALFORMED", "is the id of nothing");
    }
    check.optional_id("tenant_id", tenant_id)
}
