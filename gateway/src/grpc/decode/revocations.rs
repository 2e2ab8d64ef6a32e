//! Requests about revocations.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TenantId;
use rapport_proto::access::v1::revoke_tokens_request::Target as Message;
use rapport_proto::access::v1::{ListRevocationsRequest, RevokeTokensRequest};
use uuid::Uuid;

use super::named;
use crate::app::Page;
use crate::app::revocations::NewRevocation;
use crate::domain::identity::Identity;
use crate::domain::revocation::Target;

pub(in crate::grpc) fn revoke(
    request: &RevokeTokensRequest,
) -> Result<(Uuid, NewRevocation), Failure> {
    let mut check = Check::new();
    let request_id = check.request_id(&request.request_id);
    let wanted = NewRevocation {
        tenant: named(&mut check, &request.tenant_id),
        target: target(&mut check, request.target.as_ref()),
        before: check.optional_time("before_time", request.before_time.as_ref()),
        reason: check.line("reason", &request.reason, 0..=200),
    };
    check.done((request_id, wanted))
}

fn target(check: &mut Check, message: Option<&Message>) -> Target {
    match message {
        Some(Message::Token(token)) => check.within("token", |check| Target::Token {
            issuer: check.line("issuer", &token.issuer, 1..=512),
            token_id: check.line("token_id", &token.token_id, 1..=255),
        }),
        Some(Message::Principal(principal)) => check.within("principal", |check| {
            let issuer = check.line("issuer", &principal.issuer, 1..=512);
            let principal = check.line("principal", &principal.principal, 1..=512);
            Target::Principal(Identity::new(issuer, principal))
        }),
        Some(Message::Tenant(_)) => Target::Tenant,
        None => {
            check.fail("target", "REQUIRED", "is required");
            Target::Tenant
        }
    }
}

pub(in crate::grpc) fn list(
    request: &ListRevocationsRequest,
) -> Result<(Option<TenantId>, Page<'_>), Failure> {
    let mut check = Check::new();
    let tenant = named(&mut check, &request.tenant_id);
    let most = check.page_size(request.page_size, 50, 1000);
    let token = &request.page_token;
    check.done((tenant, Page { token, most }))
}
