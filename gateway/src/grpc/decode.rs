//! Requests to commands: every violation at once.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TenantId;
use rapport_proto::access::v1::{
    CreateTenantRequest, GetTenantRequest, ListTenantsRequest, Tenant, TenantState,
    UpdateTenantRequest,
};
use uuid::Uuid;

use crate::app::tenants::NewTenant;
use crate::domain::tenant::{Change, State, TimeZone};

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
    let mask = check.mask(
        "update_mask",
        request.update_mask.as_ref(),
        &["display_name", "time_zone", "state"],
    );
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
