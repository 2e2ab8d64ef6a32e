//! Revocations to messages.

use rapport_proto::access::v1::revocation::Target as TargetMessage;
use rapport_proto::access::v1::{
    PrincipalTarget, Revocation as Message, TenantTarget, TokenTarget,
};

use crate::domain::revocation::{Revocation, Target};

pub(in crate::grpc) fn revocation(revocation: Revocation) -> Message {
    let target = match revocation.target {
        Target::Token { issuer, token_id } => {
            TargetMessage::Token(TokenTarget { issuer, token_id })
        }
        Target::Principal(identity) => TargetMessage::Principal(PrincipalTarget {
            issuer: identity.issuer().to_owned(),
            principal: identity.principal().to_owned(),
        }),
        Target::Tenant => TargetMessage::Tenant(TenantTarget {}),
    };
    Message {
        id: revocation.id.to_string(),
        target: Some(target),
        before_time: Some(revocation.before.into()),
        reason: revocation.reason,
        create_time: Some(revocation.created.into()),
        expire_time: Some(revocation.expires.into()),
    }
}
