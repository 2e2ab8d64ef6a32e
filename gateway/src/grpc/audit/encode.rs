//! Entries to messages.

use rapport_foundation::context::PrincipalKind;
use rapport_foundation::error::code_name;
use rapport_proto::access::v1::{AuditEntry, AuditPrincipalKind, ExportAuditEntriesResponse};
use tonic::Code;

use crate::domain::audit::Entry;

pub(super) fn entry(entry: Entry) -> AuditEntry {
    let Entry {
        replica,
        seq,
        call,
        hash,
    } = entry;
    AuditEntry {
        end_time: Some(call.at.into()),
        duration: Some(duration(call.duration_us)),
        issuer: call.issuer,
        principal: call.principal,
        principal_kind: kind(call.kind).into(),
        on_behalf_of: call.on_behalf_of,
        method: call.method,
        outcome: code_name(Code::from(i32::from(call.outcome))).to_owned(),
        resource_ids: call.resources.iter().map(ToString::to_string).collect(),
        resource_count: call.resource_count,
        untold: call.untold,
        request_id: call.request_id,
        trace_id: call.trace_id,
        replica_id: replica.to_string(),
        sequence: seq,
        hash: hash.0.to_vec(),
    }
}

pub(super) fn exported((exported, cursor): (Entry, String)) -> ExportAuditEntriesResponse {
    ExportAuditEntriesResponse {
        entry: Some(entry(exported)),
        cursor,
    }
}

fn duration(micros: i64) -> prost_types::Duration {
    prost_types::Duration {
        seconds: micros / 1_000_000,
        // Below a million before it is multiplied.
        nanos: i32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0),
    }
}

fn kind(kind: PrincipalKind) -> AuditPrincipalKind {
    match kind {
        PrincipalKind::Staff => AuditPrincipalKind::Staff,
        PrincipalKind::System => AuditPrincipalKind::System,
        PrincipalKind::Connector => AuditPrincipalKind::Connector,
        PrincipalKind::Customer => AuditPrincipalKind::Customer,
        PrincipalKind::Service => AuditPrincipalKind::Service,
        PrincipalKind::Operator => AuditPrincipalKind::Operator,
    }
}
