//! Requests to questions: every violation at once.

use rapport_foundation::check::Check;
use rapport_foundation::error::{Failure, code_name};
use rapport_foundation::id::AnyId;
use rapport_foundation::time::Micros;
use rapport_proto::access::v1::{ExportAuditEntriesRequest, ListAuditEntriesRequest};
use tonic::Code;

use crate::store::audit::Query;

/// The longest subject of a credential.
const LONGEST_PRINCIPAL: usize = 255;
/// The longest name of whoever vouches for principals, as in bindings and revocations.
const LONGEST_ISSUER: usize = 512;
/// Longer than any method of ours.
const LONGEST_METHOD: usize = 128;

pub(super) fn list(request: &ListAuditEntriesRequest) -> Result<(Query, u32), Failure> {
    let mut check = Check::new();
    let query = Query {
        from: check.optional_time("start_time", request.start_time.as_ref()),
        until: check.optional_time("end_time", request.end_time.as_ref()),
        issuer: check.optional_text("issuer", &request.issuer, LONGEST_ISSUER),
        principal: check.optional_text("principal", &request.principal, LONGEST_PRINCIPAL),
        method_prefix: method(&mut check, &request.method_prefix),
        resource: resource(&mut check, &request.resource_id),
        outcome: outcome(&mut check, &request.outcome),
    };
    let most = check.page_size(request.page_size, 50, 1000);
    check.done((query, most))
}

type Span = (Option<Micros>, Option<Micros>);

pub(super) fn export(request: &ExportAuditEntriesRequest) -> Result<Span, Failure> {
    let mut check = Check::new();
    let from = check.optional_time("start_time", request.start_time.as_ref());
    let until = check.optional_time("end_time", request.end_time.as_ref());
    check.done((from, until))
}

/// Letters of names only: their length in characters is that in bytes, in every engine.
fn method(check: &mut Check, text: &str) -> Option<String> {
    let named = |c: char| c.is_ascii_alphanumeric() || "._/".contains(c);
    check.require(
        text.chars().all(named),
        "method_prefix",
        "MALFORMED",
        "is not the beginning of a method's name",
    );
    check.optional_text("method_prefix", text, LONGEST_METHOD)
}

fn resource(check: &mut Check, text: &str) -> Option<AnyId> {
    let id = AnyId::parse(text);
    check.require(
        id.is_some() || text.is_empty(),
        "resource_id",
        "MALFORMED",
        "is no id of a resource",
    );
    id
}

fn outcome(check: &mut Check, text: &str) -> Option<i16> {
    let code = (0_u8..=16).find(|code| code_name(Code::from(i32::from(*code))) == text);
    check.require(
        code.is_some() || text.is_empty(),
        "outcome",
        "UNKNOWN_CODE",
        "is no status code of gRPC",
    );
    code.map(i16::from)
}
