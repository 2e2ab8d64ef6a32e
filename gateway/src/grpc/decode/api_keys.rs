//! Requests about API keys.

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TenantId;
use rapport_proto::access::v1::{
    ApiKey, ApiKeyKind, CreateApiKeyRequest, GetApiKeyRequest, ListApiKeysRequest,
    RevokeApiKeyRequest, RotateApiKeyRequest, UpdateApiKeyRequest,
};
use uuid::Uuid;

use super::{named, names};
use crate::app::Page;
use crate::app::api_keys::{NewKey, Which};
use crate::domain::api_key::{Change, Holder, LONGEST_OVERLAP, Rights};

/// How long the secret before a rotation is accepted when nobody says.
const OVERLAP: Duration = Duration::from_secs(24 * 3600);
const MOST_SCOPES: usize = 64;
const MOST_ROLES: usize = 16;

type Create = (Uuid, Option<TenantId>, NewKey);

pub(in crate::grpc) fn create(request: &CreateApiKeyRequest) -> Result<Create, Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let tenant = named(&mut check, &request.tenant_id);
    let wanted = NewKey {
        display_name: check.line("display_name", &request.display_name, 1..=200),
        holder: holder(&mut check, request.kind, &request.connector),
        rights: Rights {
            scopes: names(&mut check, "scopes", &request.scopes, MOST_SCOPES),
            roles: names(&mut check, "roles", &request.roles, MOST_ROLES),
        },
        expires: check.optional_time("expire_time", request.expire_time.as_ref()),
    };
    check.done((request_id, tenant, wanted))
}

fn holder(check: &mut Check, kind: i32, connector: &str) -> Holder {
    match check.enumeration("kind", kind) {
        ApiKeyKind::Connector => Holder::Connector(check.line("connector", connector, 1..=64)),
        // Unspecified is a violation that was noted already.
        ApiKeyKind::System | ApiKeyKind::Unspecified => {
            let none = connector.is_empty();
            check.require(
                none,
                "connector",
                "NOT_A_CONNECTOR",
                "is for connectors only",
            );
            Holder::System
        }
    }
}

pub(in crate::grpc) fn get(request: &GetApiKeyRequest) -> Result<Which, Failure> {
    let mut check = Check::new();
    let which = which(&mut check, (&request.api_key_id, &request.tenant_id), "");
    check.done(which)
}

pub(in crate::grpc) fn list(
    request: &ListApiKeysRequest,
) -> Result<(Option<TenantId>, Page<'_>), Failure> {
    let mut check = Check::new();
    let tenant = named(&mut check, &request.tenant_id);
    let most = check.page_size(request.page_size, 50, 1000);
    let token = &request.page_token;
    check.done((tenant, Page { token, most }))
}

pub(in crate::grpc) fn update(
    request: &UpdateApiKeyRequest,
) -> Result<(Uuid, Which, Change), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let names_ = (request.api_key_id.as_str(), request.tenant_id.as_str());
    let which = which(&mut check, names_, &request.etag);
    let settable = ["display_name", "scopes", "roles", "expire_time"];
    let mask = check.stated_mask("update_mask", request.update_mask.as_ref(), &settable);
    let sets = |field: &str| mask.contains(field);
    let read = |check: &mut Check, key: &ApiKey| Change {
        display_name: sets("display_name")
            .then(|| check.line("display_name", &key.display_name, 1..=200)),
        scopes: sets("scopes").then(|| names(check, "scopes", &key.scopes, MOST_SCOPES)),
        roles: sets("roles").then(|| names(check, "roles", &key.roles, MOST_ROLES)),
        expires: sets("expire_time")
            .then(|| check.optional_time("expire_time", key.expire_time.as_ref())),
    };
    let change = check.message("api_key", request.api_key.as_ref(), read);
    check.done((request_id, which, change))
}

pub(in crate::grpc) fn rotate(
    request: &RotateApiKeyRequest,
) -> Result<(Uuid, Which, Duration), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let names = (request.api_key_id.as_str(), request.tenant_id.as_str());
    let which = which(&mut check, names, &request.etag);
    let overlap = request.overlap.map_or(Ok(OVERLAP), Duration::try_from);
    let overlap = overlap.ok().filter(|overlap| *overlap <= LONGEST_OVERLAP);
    check.require(
        overlap.is_some(),
        "overlap",
        "OUT_OF_RANGE",
        "is not between zero and 7 days",
    );
    check.done((request_id, which, overlap.unwrap_or_default()))
}

pub(in crate::grpc) fn revoke(request: &RevokeApiKeyRequest) -> Result<(Uuid, Which), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let which = which(&mut check, (&request.api_key_id, &request.tenant_id), "");
    check.done((request_id, which))
}

fn which(check: &mut Check, (id, tenant): (&str, &str), etag: &str) -> Which {
    Which {
        id: check.id("api_key_id", id),
        tenant: named(check, tenant),
        etag: check.etag(etag),
    }
}
